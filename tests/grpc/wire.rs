//! The header fields of a refusal, so that they hold for other gRPC clients than tonic's.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::{
    frames::connect,
    world::{LIST, Serving, World},
};

async fn send(world: &World, method: &str, content_type: &str) -> Response<Incoming> {
    let io = TokioIo::new(connect(world).await);
    let executor = TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{LIST}", world.url))
        .header("content-type", content_type)
        .header("te", "trailers")
        .header(
            "x-fapi-interaction-id",
            "93bac548-d2de-4546-b106-880a5018460d",
        )
        .header("authorization", "DPoP x")
        .body(Empty::<Bytes>::new())
        .unwrap();
    sender.send_request(request).await.unwrap()
}

fn fields(response: &Response<Incoming>) -> BTreeMap<&str, Vec<&str>> {
    let mut fields = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in response.headers() {
        fields
            .entry(name.as_str())
            .or_default()
            .push(value.to_str().unwrap());
    }
    fields
}

// gRPC over HTTP/2, "Responses": Trailers-Only is HTTP-Status Content-Type Trailers, and the end of the stream.
#[tokio::test]
async fn a_refusal_is_trailers_only() {
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::start(serving).await;
        let response = send(&world, "POST", "application/grpc+proto").await;
        assert_eq!(response.status(), 200);
        assert!(response.body().is_end_stream(), "{serving:?}");
        let mut seen = fields(&response);
        seen.remove("date");
        let expected = [
            ("cache-control", vec!["no-store"]),
            ("content-type", vec!["application/grpc"]),
            (
                "grpc-message",
                vec!["the DPoP scheme needs a proof in a DPoP header"],
            ),
            ("grpc-status", vec!["16"]),
            (
                "www-authenticate",
                vec![
                    r#"DPoP error="invalid_dpop_proof", error_description="the DPoP scheme needs a proof in a DPoP header", algs="ES256 EdDSA PS256""#,
                    "Bearer",
                ],
            ),
            (
                "x-fapi-interaction-id",
                vec!["93bac548-d2de-4546-b106-880a5018460d"],
            ),
        ];
        assert_eq!(seen, BTreeMap::from(expected), "{serving:?}");
    }
}

// gRPC-Web: "Trailers-only responses: no change to the gRPC protocol spec". What scripts may read has to be exposed.
#[tokio::test]
async fn grpc_web_is_answered_alike() {
    let world = World::start(Serving::Crate).await;
    for (asked, answered) in [
        ("application/grpc-web+proto", "application/grpc-web"),
        ("application/grpc-web-text", "application/grpc-web-text"),
    ] {
        let response = send(&world, "POST", asked).await;
        let seen = fields(&response);
        assert_eq!(seen["content-type"], [answered]);
        assert_eq!(seen["grpc-status"], ["16"]);
        let exposed = ["Grpc-Status, Grpc-Message, WWW-Authenticate"];
        assert_eq!(seen["access-control-expose-headers"], exposed);
        assert!(
            response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn what_is_no_grpc_call_keeps_the_status_of_http() {
    let world = World::start(Serving::Crate).await;
    for (method, content_type) in [
        ("GET", "application/grpc"),
        ("PUT", "application/grpc"),
        ("POST", "application/json"),
        ("POST", "application/grpcish"),
    ] {
        let response = send(&world, method, content_type).await;
        assert_eq!(response.status(), 401, "{method} {content_type}");
        assert!(!response.headers().contains_key("grpc-status"));
    }
}
