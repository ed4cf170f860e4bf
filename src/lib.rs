//! FAPI 2.0 for Tower: sender-constrained access tokens, verified in front of your handlers.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod dpop;
pub mod issuer;
pub mod jose;
pub mod layer;
pub mod mtls;
pub mod rejection;
pub mod replay;
pub mod resource_server;
pub mod time;
pub mod token;

#[cfg(feature = "authorization-server")]
pub mod authorization_server;
#[cfg(feature = "client")]
pub mod client;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;
