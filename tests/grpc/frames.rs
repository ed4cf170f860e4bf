//! The frames of a refusal: one `HEADERS` that ends the stream, and no `DATA` (RFC 9113 §6).

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::world::{LIST, Serving, World};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// A connection that has agreed on HTTP/2.
pub async fn connect(world: &World) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(world.own.certificate.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(world.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A field as a literal that is not indexed (RFC 7541 §6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        assert!(text.len() < 127);
        let mut bytes = vec![u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

async fn read_frame(stream: &mut TlsStream<TcpStream>) -> (u8, u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    (head[3], head[4], id, payload)
}

#[tokio::test]
async fn a_refusal_is_one_frame_that_ends_the_stream() {
    for serving in [Serving::Crate, Serving::Tonic] {
        let world = World::start(serving).await;
        let mut stream = connect(&world).await;
        let authority = world.url.trim_start_matches("https://");
        let fields = [
            literal(":method", "POST"),
            literal(":scheme", "https"),
            literal(":path", LIST),
            literal(":authority", authority),
            literal("te", "trailers"),
            literal("content-type", "application/grpc"),
            // What has a body over HTTP.
            literal("authorization", "DPoP x"),
        ];
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, &[]));
        // The message is still to come, as with a stream.
        bytes.extend(frame(HEADERS, END_HEADERS, 1, &fields.concat()));
        stream.write_all(&bytes).await.unwrap();

        let mut answer = Vec::new();
        let mut asked = false;
        loop {
            match read_frame(&mut stream).await {
                (PING, ACK, ..) => break,
                (SETTINGS, 0, ..) => {
                    stream
                        .write_all(&frame(SETTINGS, ACK, 0, &[]))
                        .await
                        .unwrap();
                }
                (kind @ (DATA | HEADERS), flags, 1, _) => answer.push((kind, flags)),
                _ => {}
            }
            // Frames come in order: what has not come before the answer to this does not come.
            if !answer.is_empty() && !asked {
                stream.write_all(&frame(PING, 0, 0, &[0; 8])).await.unwrap();
                asked = true;
            }
        }
        assert_eq!(answer, [(HEADERS, END_HEADERS | END_STREAM)], "{serving:?}");
        assert_eq!(world.calls(), 0);
    }
}
