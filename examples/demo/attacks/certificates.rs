//! Mutual TLS: a client that authenticates with a certificate (RFC 8705 §2).

use tower_fapi::jose::base64url;

use super::{answer::Answer, form::Form, raw_client::posted, report::Report};
use crate::{
    Outcome,
    certificates::{Authority, Certificate},
    world::World,
};

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

pub async fn run(world: &World, report: &mut Report) -> Outcome {
    let books = &world.cast.books;
    let wrong = Wrong {
        other: world.authority.client("coupon-club")?,
        forged: Authority::new("tower-fapi demo CA")?.client(books.id)?,
        expired: world.authority.expired_client(books.id)?,
    };
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
