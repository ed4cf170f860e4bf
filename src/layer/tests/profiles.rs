//! What a profile changes.

use http::{Request, StatusCode};

use super::*;
use crate::{
    jose::{CertificateThumbprint, JwsAlgorithm},
    mtls::PeerCertificate,
    resource_server::{Binding, ConfigError, Profile, ResourceServer},
};

const ALL: [Profile; 4] = [
    Profile::Fapi2Security,
    Profile::Fapi2MessageSigning,
    Profile::Fapi1Advanced,
    Profile::Fapi1ReadOnly,
];

fn world(profile: Profile) -> World {
    World::with(|builder| builder.profile(profile))
}

/// A request with a certificate-bound token, which every profile accepts.
fn bound_to_certificate(world: &World, method: &str) -> Request<()> {
    let token = world.issuer.token(NOW);
    let token = token
        .bound_to_certificate(CertificateThumbprint::of_der(b"mine"))
        .mint();
    Request::builder()
        .method(method)
        .uri("/a")
        .header("host", "api.example.com")
        .header("authorization", format!("Bearer {token}"))
        .extension(PeerCertificate::new(*b"mine", []))
        .body(())
        .unwrap()
}

fn send(world: &World, request: Request<()>) -> Response<String> {
    world.send(FapiLayer::new(world.server.clone()), request)
}

// FAPI 1.0 Part 2 §6.2.1: certificates are the one binding there.
#[test]
fn dpop_is_accepted_but_under_fapi_1_advanced() {
    for profile in ALL {
        let world = world(profile);
        let expected = if profile == Profile::Fapi1Advanced {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        };
        let answer = send(&world, world.request(""));
        assert_eq!(answer.status(), expected, "{profile}");
        if expected == StatusCode::UNAUTHORIZED {
            assert_eq!(challenges(&answer).len(), 1, "{profile}");
            assert!(challenges(&answer)[0].starts_with("Bearer "), "{profile}");
        }
        let answer = send(&world, bound_to_certificate(&world, "GET"));
        assert_eq!(answer.status(), StatusCode::OK, "{profile}");
    }
}

fn challenges(answer: &Response<String>) -> Vec<&str> {
    let lines = answer.headers().get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

// FAPI 1.0 Part 1 §6.2.1, RFC 9110 §9.2.1 and §15.5.6.
#[test]
fn the_read_only_profile_lets_no_method_through_that_changes_something() {
    for (method, safe) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
        ("TRACE", false),
        ("CONNECT", false),
        ("get", false),
        ("PROPFIND", false),
    ] {
        for profile in ALL {
            let world = world(profile);
            let answer = send(&world, bound_to_certificate(&world, method));
            let passes = safe || profile != Profile::Fapi1ReadOnly;
            let expected = if passes {
                StatusCode::OK
            } else {
                StatusCode::METHOD_NOT_ALLOWED
            };
            assert_eq!(answer.status(), expected, "{profile} {method}");
            if !passes {
                assert_eq!(answer.headers()["allow"], "GET, HEAD, OPTIONS");
                assert!(challenges(&answer).is_empty());
            }
        }
    }
}

// FAPI 1.0 Part 1 §6.2.2.
#[test]
fn malformed_fapi_headers_are_refused_under_fapi_1_and_ignored_under_fapi_2() {
    for profile in ALL {
        let world = world(profile);
        let strict = matches!(profile, Profile::Fapi1Advanced | Profile::Fapi1ReadOnly);
        for (name, value, sound) in [
            ("x-fapi-auth-date", "Tue, 11 Sep 2012 19:43:31 GMT", true),
            ("x-fapi-auth-date", "yesterday", false),
            ("x-fapi-customer-ip-address", "2001:db8::1", true),
            ("x-fapi-customer-ip-address", "2001:db8::1%eth0", false),
        ] {
            let mut request = bound_to_certificate(&world, "GET");
            request.headers_mut().insert(name, value.parse().unwrap());
            let answer = send(&world, request);
            let passes = sound || !strict;
            let expected = if passes {
                StatusCode::OK
            } else {
                StatusCode::BAD_REQUEST
            };
            assert_eq!(answer.status(), expected, "{profile} {name}: {value}");
            if !passes {
                assert!(
                    answer.body().contains("invalid_request"),
                    "{}",
                    answer.body()
                );
            }
        }
    }
}

// FAPI 1.0 Part 2 §8.6: no EdDSA there; FAPI 2.0 Security Profile §5.4.1 has it.
#[test]
fn algorithms_are_those_of_the_profile() {
    let issuer = TestIssuer::with_algorithm("https://as.example.com", API, JwsAlgorithm::EdDsa);
    let trusted =
        || TrustedIssuer::new(issuer.issuer(), IssuerKeys::fixed(&issuer.jwks()).unwrap());
    for profile in ALL {
        let server = ResourceServer::builder(API, trusted())
            .clock(ManualClock::at(NOW))
            .profile(profile)
            .build()
            .unwrap();
        let accepted = profile.settings().algorithms.contains(&JwsAlgorithm::EdDsa);
        let fapi_2 = matches!(
            profile,
            Profile::Fapi2Security | Profile::Fapi2MessageSigning
        );
        assert_eq!(accepted, fapi_2, "{profile}");
        let world = World {
            issuer: issuer.clone(),
            server,
            ..World::new()
        };
        let answer = send(&world, bound_to_certificate(&world, "GET"));
        let expected = if accepted {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(answer.status(), expected, "{profile}");

        let only = ResourceServer::builder(API, trusted().algorithms([JwsAlgorithm::EdDsa]));
        let built = only.profile(profile).build();
        assert_eq!(built.is_ok(), accepted, "{profile}");
    }
}

#[test]
fn a_setting_cannot_widen_a_profile() {
    let issuer = TestIssuer::new("https://as.example.com", API);
    for (profile, binding, sound) in [
        (Profile::Fapi2Security, Binding::Either, true),
        (Profile::Fapi2Security, Binding::Dpop, true),
        (Profile::Fapi1ReadOnly, Binding::Certificate, true),
        (Profile::Fapi1Advanced, Binding::Certificate, true),
        (Profile::Fapi1Advanced, Binding::Either, false),
        (Profile::Fapi1Advanced, Binding::Dpop, false),
    ] {
        let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
        let built = ResourceServer::builder(API, TrustedIssuer::new(issuer.issuer(), keys))
            .profile(profile)
            .binding(binding)
            .build();
        assert_eq!(built.is_ok(), sound, "{profile} {binding:?}");
        if let Err(error) = built {
            assert_eq!(error, ConfigError::WiderThanProfile { profile, binding });
        }
    }
}
