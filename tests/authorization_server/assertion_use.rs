//! One assertion for one request, and one authentication method in it (RFC 7523 §3, RFC 6749 §2.3).

use crate::{
    assertion::{push_claims, refused, with_assertion},
    world::{PAR, TOKEN, World, changed, form, over, post, request, with_proof},
};

// RFC 7523 §3 rule 7.
#[tokio::test]
async fn an_assertion_is_used_once() {
    let world = World::new();
    let parameters = with_assertion(&world.assertion("dpop"));
    assert_eq!(world.send(post(PAR, &parameters)).await.status, 201);
    assert_eq!(
        world.send(post(PAR, &parameters)).await.refusal(),
        refused()
    );
    world.advance(59);
    assert_eq!(
        world.send(post(PAR, &parameters)).await.refusal(),
        refused(),
        "until it expires"
    );
    // At another endpoint as well, and in a new assertion with the same identifier.
    let mut token = parameters.clone();
    token.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
    ]));
    let reply = world
        .send(post(TOKEN, &changed(token, &[("request_uri", "")])))
        .await;
    assert_ne!(reply.status, 200);
}

#[tokio::test]
async fn the_identifiers_of_two_clients_do_not_meet() {
    let world = World::new();
    for client in ["dpop", "other"] {
        let mut claims = world.claims(client);
        claims["jti"] = "the same".into();
        assert_eq!(push_claims(&world, &claims).await.status, 201, "{client}");
        claims["exp"] = (world.now().as_unix() + 90).into();
        assert_eq!(
            push_claims(&world, &claims).await.refusal(),
            refused(),
            "{client}"
        );
    }
}

// A refusal of any kind leaves the assertion usable.
#[tokio::test]
async fn a_refused_request_does_not_use_the_assertion_up() {
    let world = World::new();
    let parameters = with_assertion(&world.assertion("dpop"));
    for (name, value) in [
        ("code_challenge", ""),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "admin"),
        ("resource", "https://other.example"),
        ("request_uri", "urn:x"),
        ("client_id", "other"),
        ("client_secret", "s"),
        ("dpop_jkt", "x"),
    ] {
        let reply = world
            .send(post(PAR, &changed(parameters.clone(), &[(name, value)])))
            .await;
        assert_ne!(reply.status, 201, "{name}");
    }
    let late = world
        .dpop
        .proof("POST", PAR, world.now())
        .claim("iat", 1)
        .sign();
    let reply = world.send(with_proof(post(PAR, &parameters), &late)).await;
    assert_eq!(reply.refusal(), (400, "invalid_dpop_proof".to_owned()));
    assert_eq!(world.send(post(PAR, &parameters)).await.status, 201);
}

// RFC 6749 §2.3 and §5.2, RFC 7521 §4.2.
#[tokio::test]
async fn one_method_and_the_registered_one() {
    let world = World::new();
    let good = || world.pushed("dpop", &[]);
    let invalid_request = (400, "invalid_request".to_owned());
    for (case, parameters, expected) in [
        ("nothing at all", request(), refused()),
        (
            "only client_id",
            changed(
                good(),
                &[("client_assertion", ""), ("client_assertion_type", "")],
            ),
            refused(),
        ),
        (
            "unknown client",
            changed(good(), &[("client_id", "unknown")]),
            refused(),
        ),
        (
            "another client_id",
            changed(good(), &[("client_id", "other")]),
            refused(),
        ),
        (
            "no assertion type",
            changed(good(), &[("client_assertion_type", "")]),
            refused(),
        ),
        (
            "another assertion type",
            changed(good(), &[("client_assertion_type", "urn:x")]),
            refused(),
        ),
        (
            "no assertion",
            changed(good(), &[("client_assertion", "")]),
            refused(),
        ),
        (
            "a secret beside it",
            changed(good(), &[("client_secret", "s")]),
            invalid_request.clone(),
        ),
        (
            "a secret instead",
            changed(
                good(),
                &[
                    ("client_assertion", ""),
                    ("client_assertion_type", ""),
                    ("client_secret", "s"),
                ],
            ),
            refused(),
        ),
        (
            "an assertion of a client with a certificate",
            world.pushed("tls", &[]),
            refused(),
        ),
    ] {
        // A certificate that comes along makes no difference.
        let plain = world.send(post(PAR, &parameters)).await;
        assert_eq!(plain.refusal(), expected, "{case}");
        let reply = world
            .send(over(post(PAR, &parameters), &world.certificate))
            .await;
        assert_eq!(reply.refusal(), expected, "{case}, over mutual TLS");
    }
    let reply = world
        .send(over(post(PAR, &good()), &world.certificate))
        .await;
    assert_eq!(
        reply.status, 201,
        "a certificate beside an assertion is not a second method"
    );
}

// RFC 6749 §2.3.1 and §5.2; FAPI 2.0 Security Profile §5.3.2.1: no shared secrets.
#[tokio::test]
async fn no_secret_is_accepted_anywhere() {
    let world = World::new();
    let good = || world.pushed("dpop", &[]);
    let bare = changed(
        good(),
        &[("client_assertion", ""), ("client_assertion_type", "")],
    );
    let invalid_request = (400, "invalid_request".to_owned());
    for (case, parameters, expected) in [
        ("Basic beside an assertion", good(), invalid_request),
        ("Basic with client_id", bare, refused()),
        ("Basic alone", request(), refused()),
    ] {
        let mut basic = post(PAR, &parameters);
        let credentials = "Basic ZHBvcDpzZWNyZXQ=".parse().unwrap();
        basic.headers_mut().insert("authorization", credentials);
        let reply = world.send(basic).await;
        assert_eq!(reply.refusal(), expected, "{case}");
        // RFC 6749 §5.2: the answer to Basic is a challenge for Basic.
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        assert_eq!(
            challenge.starts_with("Basic "),
            reply.status == 401,
            "{case}"
        );
    }
    // A certificate would do for these two, were it not for the secret.
    for (client_id, certificate) in [
        ("tls", &world.certificate),
        ("self-signed", &world.self_signed),
    ] {
        let mut parameters = form([("client_id", client_id), ("client_secret", "s")]);
        parameters.extend(request());
        let reply = world.send(over(post(PAR, &parameters), certificate)).await;
        assert_eq!(reply.refusal(), refused(), "{client_id} with a secret");
    }
}
