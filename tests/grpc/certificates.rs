//! Certificate-bound tokens (RFC 8705 §3), over this crate's TLS and over tonic's.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tonic::Code;
use tower_fapi::{mtls::CertificateThumbprint, time::Clock};

use crate::world::{Pair, Serving, World, challenges, list};

/// A certificate authority and two clients of it.
fn clients() -> (Pair, Pair, Pair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let authority = Pair {
        certificate,
        key: key.serialize_pem(),
    };
    let issuer = Issuer::new(params, key);
    let client = || {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Pair {
            certificate: params.signed_by(&key, &issuer).unwrap(),
            key: key.serialize_pem(),
        }
    };
    (authority, client(), client())
}

#[tokio::test]
async fn a_token_is_good_on_connections_with_its_certificate_only() {
    let (authority, own, other) = clients();
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::with(serving, Some(&authority), |builder| builder).await;
        let thumbprint = CertificateThumbprint::of_der(own.certificate.der());
        let token = world.issuer.token(world.clock.now()).scope("accounts");
        let token = token.bound_to_certificate(thumbprint).mint();
        let fields = [("authorization", format!("Bearer {token}"))];

        for (identity, message) in [
            (
                None,
                "the access token needs a client certificate here and none was presented",
            ),
            (
                Some(other.identity()),
                "the access token is bound to another client certificate",
            ),
        ] {
            let channel = world.channel_showing(identity).await;
            let refused = list(channel, &fields).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated, "{serving:?}");
            assert_eq!(refused.message(), message, "{serving:?}");
            assert!(challenges(&refused).contains(r#"Bearer error="invalid_token""#));
        }
        assert_eq!(world.calls(), 0, "{serving:?}");

        let channel = world.channel_showing(Some(own.identity())).await;
        for _ in 0..2 {
            list(channel.clone(), &fields).await.unwrap();
        }
        assert!(world.peer().unwrap().0.ip().is_loopback(), "{serving:?}");
    }
}
