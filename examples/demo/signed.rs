//! Messages that both sides sign, so that neither can say later that something else was asked for or answered (FAPI 2.0
//! Message Signing).

use http::StatusCode;
use tower_fapi::{
    client::{AuthorizationRequest, AuthorizationResponse, Client, TrustedRoots},
    jose::{JwsAlgorithm, SigningKey},
};

use crate::{
    Outcome,
    browser::Browser,
    jwt, print,
    show::{self, Shown},
    world::World,
};

pub async fn run(world: &World) -> Outcome {
    let ledger = &world.cast.ledger;
    let client = Client::builder(world.issuer.parse()?, ledger.id)
        .private_key_jwt(ledger.signing_key()?)
        .dpop(SigningKey::generate(JwsAlgorithm::Es256)?)
        .signed_requests(ledger.signing_key()?)
        .signed_responses()
        .trusted_roots(TrustedRoots::from_pem(world.authority.pem().as_bytes())?)
        .build()?;
    client.discover().await?;
    world.tap.take();

    print::step(
        "3.1",
        "The client pushes a request that it has signed",
        "Everything it asks for stands in one JWT, which the bank can keep (JAR, RFC 9101).",
    );
    let request = AuthorizationRequest::new(ledger.redirect_uri)?.scope("accounts")?;
    let pending = client.authorize(&request).await?;
    show::exchanges(world, Shown::Members);

    print::step(
        "3.2",
        "Ada approves, and the answer comes back signed",
        "One parameter, whoever carries it: code, state and issuer are inside (JARM).",
    );
    let mut browser = Browser::new(world.http(None)?);
    let back = browser.approve(pending.url(), &world.cast.ada).await?;
    world.tap.take();
    print::answer(format_args!("303: to {}", ledger.redirect_uri));
    for (name, value) in back.query_pairs() {
        jwt::show(&name, &value, world.now());
    }

    print::step(
        "3.3",
        "The client verifies the signature first, and then redeems the code",
        "An answer to such a client that is not signed is refused, whatever it says.",
    );
    let response = AuthorizationResponse::from_url(back.as_str())?;
    let tokens = client.complete(&pending, &response).await?;
    let answer = client
        .get(&format!("{}/accounts", world.api), &tokens)
        .await?;
    world.tap.take();
    if answer.status() != StatusCode::OK {
        return Err(format!("the API answered {} to its own client", answer.status()).into());
    }
    print::fact("signed by the authorization server, for this client, and not expired");
    print::fact(format_args!("and the API: {}", answer.status()));
    Ok(())
}
