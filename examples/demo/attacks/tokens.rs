//! Access tokens that look right. Whoever presents them here has the key they are bound to, or forged them for his own.

use http::{Method, header::AUTHORIZATION};
use serde_json::json;
use tower_fapi::{
    dpop::DPOP,
    testing::{DpopKey, TestIssuer, TokenBuilder},
};

use super::{
    Victim,
    answer::Answer,
    forgery::{changed, repeated, symmetric, tampered, unsigned},
    report::Report,
};
use crate::{Outcome, world::World};

const BAD_TOKEN: &str = "401 invalid_token";
const BAD_REQUEST: &str = "400 invalid_request";
/// The client has not even tried: it is told how, and no error code (RFC 6750 §3.1).
const UNAUTHORIZED: &str = "401";

/// Sender-constrained tokens, in the header: the resource server's clause.
const RESOURCE_SERVER: &str = "FAPI 2.0 §5.3.4";

pub async fn run(world: &World, victim: &Victim, report: &mut Report) -> Outcome {
    let api = Api::new(world, &victim.key)?;
    let Victim { token, key } = victim;
    let now = world.now().as_unix();

    // The authorization server's own key, so that nothing but the claims is wrong.
    let own = |claim: &str, value: serde_json::Value| {
        changed(token, &world.signing_key, |_, claims| {
            claims.insert(claim.to_owned(), value);
        })
    };
    let own_header = |name: &str, value: serde_json::Value| {
        changed(token, &world.signing_key, |header, _| {
            header.insert(name.to_owned(), value);
        })
    };
    let stranger = TestIssuer::new(&world.issuer, &world.api);
    let evil = TestIssuer::new("https://as.evil.example", &world.api);
    let forged = |issuer: &TestIssuer| forged(issuer, world, key);
    let kid = world.signing_key.kid().unwrap_or_default();
    let jwk = stranger.signing_key().public().bare().to_members();
    #[rustfmt::skip]
    let cases = [
        (("expired a minute ago", "RFC 9068 §4", BAD_TOKEN, "expired"), own("exp", json!(now - 60))?),
        (("not valid before tomorrow", "RFC 7519 §4.1.5", BAD_TOKEN, "not valid yet"), own("nbf", json!(now + 86_400))?),
        (("issued in the future", "FAPI 2.0 §5.3.2.1", BAD_TOKEN, "not valid yet"), own("iat", json!(now + 3_600))?),
        (("issued for another API", "RFC 9068 §4", BAD_TOKEN, "another resource"), own("aud", json!("https://api.other.example"))?),
        (("bound in a way this API cannot check", RESOURCE_SERVER, BAD_TOKEN, "not supported here"), own("cnf", json!({ "kid": "x" }))?),
        (("aud that is no text", "RFC 7519 §4.1.3", BAD_TOKEN, "malformed"), own("aud", json!(5))?),
        (("sub there twice, for two readers to differ about", "RFC 7519 §4", BAD_TOKEN, "malformed"), repeated(token, &world.signing_key)?),
        (("another sort of JWT as an access token", "RFC 9068 §4", BAD_TOKEN, "not valid here"), own_header("typ", json!("JWT"))?),
        (("critical extension nobody knows", "RFC 7515 §4.1.11", BAD_TOKEN, "malformed"), own_header("crit", json!(["x"]))?),
        (("more scope written into it", "RFC 7515 §5.2", BAD_TOKEN, "not valid here"), tampered(token, "scope", "accounts payments")?),
        (("the rightful issuer's name, a stranger's key", "RFC 9068 §4", BAD_TOKEN, "not valid here"), forged(&stranger).mint()),
        (("a stranger's key under the right kid", "RFC 9068 §4", BAD_TOKEN, "not valid here"), forged(&stranger).header("kid", kid).mint()),
        (("the key to verify it brought along in jwk", "RFC 8725 §3.10", BAD_TOKEN, "not valid here"), forged(&stranger).header("jwk", jwk).mint()),
        (("a place to fetch the key from in jku", "RFC 8725 §3.10", BAD_TOKEN, "not valid here"), forged(&stranger).header("jku", "https://as.evil.example/jwks").mint()),
        (("from an authorization server nobody trusts", "RFC 9068 §4", BAD_TOKEN, "not valid here"), forged(&evil).mint()),
        (("alg none", "FAPI 2.0 §5.4.1", BAD_TOKEN, "malformed"), unsigned(token)?),
        (("HS256, the public key as the secret", "RFC 8725 §3.1", BAD_TOKEN, "not valid here"), symmetric(token, world.signing_key.public())?),
    ];
    for (attack, token) in cases {
        report.attack(
            attack,
            &api.call(Method::GET, "/accounts", "DPoP", &token).await?,
        );
    }

    let attack = (
        "bound to nothing",
        RESOURCE_SERVER,
        BAD_TOKEN,
        "not sender-constrained",
    );
    let unbound = changed(token, &world.signing_key, |_, claims| {
        claims.remove("cnf");
    })?;
    let answer = api
        .call(Method::GET, "/accounts", "Bearer", &unbound)
        .await?;
    report.attack(attack, &answer);
    misplaced(world, &api, token, report).await?;
    not_enough(world, &api, token, report).await
}

/// The token is right, but not where it stands.
async fn misplaced(world: &World, api: &Api<'_>, token: &str, report: &mut Report) -> Outcome {
    let in_query = format!("/accounts?access_token={token}");
    let attack = ("in the query", RESOURCE_SERVER, BAD_REQUEST, "query");
    let request = api.http.get(format!("{}{in_query}", world.api));
    report.attack(attack, &Answer::to(request).await?);

    let attack = (
        "in the query, beside a right header",
        RESOURCE_SERVER,
        BAD_REQUEST,
        "query",
    );
    report.attack(
        attack,
        &api.call(Method::GET, &in_query, "DPoP", token).await?,
    );

    let attack = ("in the body", RESOURCE_SERVER, UNAUTHORIZED, "");
    let request = api.http.post(format!("{}/payments", world.api));
    let request = request.body(format!("access_token={token}"));
    report.attack(attack, &Answer::to(request).await?);

    let attack = (
        "in two Authorization headers",
        "RFC 6750 §2",
        BAD_REQUEST,
        "one Authorization",
    );
    let request = api.request(&Method::GET, "/accounts", "DPoP", token);
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    report.attack(attack, &Answer::to(request).await?);

    let attack = ("without TLS", "FAPI 2.0 §5.2.1", "no answer", "");
    let plain = api.http.get(format!(
        "{}/accounts",
        world.api.replacen("https", "http", 1)
    ));
    report.attack(attack, &Answer::or_silence(plain).await?);
    Ok(())
}

/// No token, something else, or a token that does not suffice.
async fn not_enough(world: &World, api: &Api<'_>, token: &str, report: &mut Report) -> Outcome {
    let attack = ("nothing at all", "RFC 6750 §3.1", UNAUTHORIZED, "");
    let request = api.http.get(format!("{}/accounts", world.api));
    report.attack(attack, &Answer::to(request).await?);

    let attack = ("a password instead", "RFC 6750 §3.1", UNAUTHORIZED, "");
    report.attack(
        attack,
        &api.call(Method::GET, "/accounts", "Basic", "YWRhOng=")
            .await?,
    );

    let attack = (
        "17 kilobytes of anything",
        "a limit of 16 KiB",
        BAD_REQUEST,
        "too long",
    );
    let long = "x".repeat(17 * 1024);
    report.attack(
        attack,
        &api.call(Method::GET, "/accounts", "DPoP", &long).await?,
    );

    let (forbidden, words) = ("403 insufficient_scope", "lacks a required scope");
    let attack = (
        "a payment with a token for reading",
        "RFC 6750 §3.1",
        forbidden,
        words,
    );
    report.attack(
        attack,
        &api.call(Method::POST, "/payments", "DPoP", token).await?,
    );

    let answer = api.call(Method::GET, "/accounts", "DPoP", token).await?;
    report.control(
        "the token as it was issued, where it belongs",
        "200",
        &answer,
    );
    Ok(())
}

/// Calls with a proof that fits, whatever the token.
struct Api<'a> {
    world: &'a World,
    key: &'a DpopKey,
    http: reqwest::Client,
}

impl<'a> Api<'a> {
    fn new(world: &'a World, key: &'a DpopKey) -> Outcome<Self> {
        Ok(Self {
            world,
            key,
            http: world.http(None)?,
        })
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        scheme: &str,
        token: &str,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.world.api);
        let proof = self.key.proof(method.as_str(), &url, self.world.now());
        self.http
            .request(method.clone(), &url)
            .header(AUTHORIZATION, format!("{scheme} {token}"))
            .header(DPOP, proof.access_token(token).sign())
    }

    async fn call(&self, method: Method, path: &str, scheme: &str, token: &str) -> Outcome<Answer> {
        Answer::to(self.request(&method, path, scheme, token)).await
    }
}

/// A token with everything in it that ought to be, bound to this key, by somebody who is not the authorization server.
fn forged(issuer: &TestIssuer, world: &World, key: &DpopKey) -> TokenBuilder {
    issuer
        .token(world.now())
        .subject(world.cast.ada.subject)
        .client(world.cast.planner.id)
        .scope("accounts payments")
        .bound_to_key(key.thumbprint())
}
