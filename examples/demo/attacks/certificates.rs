//! Mutual TLS: a token bound to a certificate, and a client that authenticates with one (RFC 8705).

use http::header::AUTHORIZATION;
use tower_fapi::{client::TokenSet, dpop::DPOP, jose::base64url, testing::DpopKey};

use super::{answer::Answer, form::Form, raw_client::posted, report::Report};
use crate::{
    Outcome,
    certificates::{Authority, Certificate},
    world::World,
};

const BAD_TOKEN: &str = "401 invalid_token";
const BAD_CLIENT: &str = "401 invalid_client";

/// Certificates that are not the client's.
struct Wrong {
    /// Of another client, from the authority that everybody trusts.
    other: Certificate,
    /// With the right name, from an authority that nobody trusts.
    forged: Certificate,
    /// With the right name, from the right authority, and out of date.
    expired: Certificate,
}

pub async fn run(world: &World, by_certificate: &TokenSet, report: &mut Report) -> Outcome {
    let books = &world.cast.books;
    let wrong = Wrong {
        other: world.authority.client("coupon-club")?,
        forged: Authority::new("tower-fapi demo CA")?.client(books.id)?,
        expired: world.authority.expired_client(books.id)?,
    };
    let token = by_certificate.access_token().secret();
    at_the_api(world, &wrong, token, report).await?;
    at_the_authorization_server(world, &wrong, report).await
}

async fn at_the_api(world: &World, wrong: &Wrong, token: &str, report: &mut Report) -> Outcome {
    let url = format!("{}/accounts", world.api);
    let call = |certificate: Option<&Certificate>| -> Outcome<reqwest::RequestBuilder> {
        let request = world.http(certificate)?.get(&url);
        Ok(request.header(AUTHORIZATION, format!("Bearer {token}")))
    };
    #[rustfmt::skip]
    let cases = [
        (("the stolen token without a certificate", "RFC 8705 §3", BAD_TOKEN, "none was presented"), None),
        (("with the certificate of another client", "RFC 8705 §3", BAD_TOKEN, "another client certificate"), Some(&wrong.other)),
        (("with a forged certificate in the right name", "RFC 8705 §3", BAD_TOKEN, "another client certificate"), Some(&wrong.forged)),
    ];
    for (attack, certificate) in cases {
        report.attack(attack, &Answer::to(call(certificate)?).await?);
    }

    // Certificates are public, so anybody can put one into a header (RFC 9440); only a connection proves anything.
    let (what, clause) = ("with the right certificate, but in a header", "RFC 9440 §4");
    let attack = (what, clause, BAD_TOKEN, "none was presented");
    let mine = &world.cast.books.certificate;
    let base64 = mine.pem.lines().filter(|line| !line.starts_with('-'));
    let header = format!(":{}:", base64.collect::<String>());
    report.attack(
        attack,
        &Answer::to(call(None)?.header("client-cert", header)).await?,
    );

    let (what, clause) = (
        "under the DPoP scheme, with a proof of the thief's",
        "RFC 9449 §7.1",
    );
    let attack = (what, clause, BAD_TOKEN, "not DPoP-bound");
    let proof = DpopKey::generate().proof("GET", &url, world.now());
    let request = world.http(None)?.get(&url);
    let request = request.header(DPOP, proof.access_token(token).sign());
    let request = request.header(AUTHORIZATION, format!("DPoP {token}"));
    report.attack(attack, &Answer::to(request).await?);

    let answer = Answer::to(call(Some(mine))?).await?;
    report.control("the client itself, with its certificate", "200", &answer);
    Ok(())
}

async fn at_the_authorization_server(world: &World, wrong: &Wrong, report: &mut Report) -> Outcome {
    let books = &world.cast.books;
    let challenge = base64url::encode([0; 32]);
    let form = Form::new([
        ("client_id", books.id),
        ("response_type", "code"),
        ("redirect_uri", books.redirect_uri),
        ("scope", "accounts"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let push = async |certificate: Option<&Certificate>, form: &Form| {
        let url = format!("{}/par", world.mtls);
        Answer::to(posted(&world.http(certificate)?, &url, form, &[])).await
    };
    #[rustfmt::skip]
    let cases = [
        (("tls_client_auth without a certificate", "RFC 8705 §2.1", BAD_CLIENT, "must present its certificate"), None),
        (("tls_client_auth with another client's certificate", "RFC 8705 §2.1", BAD_CLIENT, "authentication failed"), Some(&wrong.other)),
        (("tls_client_auth with a forged certificate", "RFC 8705 §2.1", BAD_CLIENT, "authentication failed"), Some(&wrong.forged)),
        (("tls_client_auth with a certificate that has expired", "RFC 8705 §2.1", BAD_CLIENT, "authentication failed"), Some(&wrong.expired)),
    ];
    for (attack, certificate) in cases {
        report.attack(attack, &push(certificate, &form).await?);
    }
    let (what, clause) = (
        "a certificate in the place of an assertion",
        "FAPI 2.0 §5.3.2.1",
    );
    let attack = (what, clause, BAD_CLIENT, "authentication failed");
    let in_place = form.clone().with("client_id", world.cast.planner.id);
    report.attack(attack, &push(Some(&books.certificate), &in_place).await?);

    let answer = push(Some(&books.certificate), &form).await?;
    report.control("the client itself, with its certificate", "201", &answer);
    Ok(())
}
