//! Our own resource server asks our own authorization server about tokens (RFC 7662, RFC 9701), over loopback.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_fapi::{
    issuer::{Introspection, IssuerKeys},
    jose::jwe::{DecryptionKey, DecryptionKeys, JweAlgorithm},
    layer::FapiLayer,
    resource_server::{ResourceServer, TrustedIssuer},
};

use crate::{
    introspection::Asking,
    world::{API, ISSUER, World, send},
};

/// How long the resource server takes an active token for active without asking again.
const REMEMBERED: u64 = 10;

/// Somebody's accounts, behind a resource server that asks about every token.
struct Api(Router);

impl Api {
    async fn new(
        world: &World,
        asking: Asking,
        settings: impl FnOnce(Introspection) -> Introspection,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/introspect", listener.local_addr().unwrap());
        let router = world.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let introspection = Introspection::private_key_jwt(asking.id, asking.key)
            .dangerous()
            .http_on_loopback()
            .endpoint(url.parse().unwrap())
            .remember_active_for(Duration::from_secs(REMEMBERED));
        let keys = world
            .keys
            .public_jwks(world.now())
            .to_string()
            .parse()
            .unwrap();
        let issuer = TrustedIssuer::new(ISSUER, IssuerKeys::fixed(&keys).unwrap());
        let issuer = issuer.introspect(settings(introspection));
        let server = ResourceServer::builder(API, issuer)
            .clock(world.clock.clone())
            .build()
            .unwrap();
        let accounts = Router::new().route("/accounts", get(|| async { "accounts" }));
        Self(accounts.layer(FapiLayer::new(server)))
    }

    async fn status(&self, world: &World, token: &str) -> u16 {
        let url = format!("{API}/accounts");
        let proof = world.dpop.proof("GET", &url, world.now());
        let request = Request::get(&url)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof.access_token(token).sign())
            .body(Body::empty())
            .unwrap();
        send(self.0.clone(), request).await.status.as_u16()
    }
}

// RFC 7009 §2.1, RFC 7662 §4: as late as the memory of the resource server allows, and not later.
#[tokio::test]
async fn a_token_revoked_there_is_refused_here() {
    for form in ["JSON", "signed", "encrypted"] {
        let keys = DecryptionKeys::new([DecryptionKey::generate(JweAlgorithm::EcdhEs).unwrap()]);
        let asking = Asking::new("api");
        let mut set = serde_json::to_value(keys.public()).unwrap();
        let own = Value::Object(asking.key.public().to_members());
        set["keys"].as_array_mut().unwrap().push(own);
        let mut changes = json!({ "jwks": set });
        if form == "encrypted" {
            changes["introspection_encrypted_response_alg"] = "ECDH-ES".into();
        }
        let metadata = asking.metadata(&changes);
        let world = World::with(|builder| builder.resource(metadata));
        let api = Api::new(&world, asking, |introspection| match form {
            "signed" => introspection.signed_answers(),
            "encrypted" => introspection.encrypted_answers(keys),
            _ => introspection,
        })
        .await;

        let [token, refresh_token] = world.tokens(&[]).await;
        let second = world.refreshed("dpop", &refresh_token).await;
        let second = second.text("access_token");
        assert_eq!(api.status(&world, &token).await, 200, "{form}");
        assert_eq!(world.revoke("dpop", &token, &[]).await.status, 200);
        world.advance(REMEMBERED - 1);
        assert_eq!(api.status(&world, &token).await, 200, "{form}: remembered");
        world.advance(2);
        assert_eq!(api.status(&world, &token).await, 401, "{form}: asked again");

        assert_eq!(api.status(&world, &second).await, 200, "{form}");
        assert_eq!(world.revoke("dpop", &refresh_token, &[]).await.status, 200);
        world.advance(REMEMBERED + 1);
        assert_eq!(api.status(&world, &second).await, 401, "{form}: its grant");
    }
}
