//! Protected resource metadata (RFC 9728), as served and as challenged with.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::Service;

use super::*;
use crate::{
    layer::ResourceMetadataService,
    resource_server::{Binding, ConfigError, ResourceMetadata, ResourceServer},
};

const PLACE: &str = "https://api.example.com/.well-known/oauth-protected-resource";

fn ask(service: &mut ResourceMetadataService, method: &str) -> Response<Full<Bytes>> {
    let request = Request::builder().method(method).uri("/").body(()).unwrap();
    let answer: Result<_, Infallible> = block_on(service.call(request));
    answer.unwrap()
}

// RFC 9728 §3.2.
#[test]
fn the_document_is_served_as_json() {
    let world = World::with(|builder| builder.metadata(ResourceMetadata::new().scopes(["a"])));
    let mut service = ResourceMetadataService::new(&world.server).unwrap();
    assert_eq!(service.path(), "/.well-known/oauth-protected-resource");
    let answer = ask(&mut service, "GET");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document: serde_json::Value = serde_json::from_str(&text(answer.into_body())).unwrap();
    assert_eq!(document["resource"], API);
    assert_eq!(document["authorization_servers"][0], world.issuer.issuer());
    assert_eq!(document["scopes_supported"][0], "a");

    let head = ask(&mut service, "HEAD");
    assert_eq!(head.status(), StatusCode::OK);
    let length: usize = head.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(length > 100 && text(head.into_body()).is_empty());
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = ask(&mut service, method);
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers()["allow"], "GET, HEAD");
        assert!(text(answer.into_body()).is_empty());
    }
}

// RFC 9728 §5.1.
#[test]
fn every_challenge_says_where_the_metadata_is() {
    let world = World::with(|builder| builder.metadata(ResourceMetadata::new()));
    let challenges = |world: &World, request| {
        let answer = world.send(FapiLayer::new(world.server.clone()), request);
        let lines = answer.headers().get_all("www-authenticate").iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut wrong = world.request("");
    wrong.headers_mut().remove("dpop");
    let parameter = format!(r#"resource_metadata="{PLACE}""#);
    for request in [wrong, Request::get("/a").body(()).unwrap()] {
        let lines = challenges(&world, request);
        assert_eq!(lines.len(), 2);
        assert!(
            lines.iter().all(|line| line.contains(&parameter)),
            "{lines:?}"
        );
    }
    let silent = World::new();
    let lines = challenges(&silent, Request::get("/a").body(()).unwrap());
    assert!(
        lines.iter().all(|line| !line.contains("resource_metadata")),
        "{lines:?}"
    );
    assert!(ResourceMetadataService::new(&silent.server).is_none());
}

#[test]
fn only_a_url_can_be_the_resource_of_metadata() {
    let issuer = TestIssuer::new("https://as.example.com", "urn:api");
    let keys = IssuerKeys::fixed(&issuer.jwks()).unwrap();
    let built = ResourceServer::builder("urn:api", TrustedIssuer::new(issuer.issuer(), keys))
        .binding(Binding::Dpop)
        .metadata(ResourceMetadata::new())
        .build();
    assert!(matches!(built, Err(ConfigError::ResourceIdentifier(name)) if name == "urn:api"));
}
