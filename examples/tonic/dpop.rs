//! The client's side of DPoP: a proof for every call, and the nonces that the server hands out.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tonic::{Status, body::Body};
use tower::{BoxError, Service};
use tower_fapi::{
    dpop::{NewProof, ProofSigner},
    time::{Clock, SystemClock},
};

/// A channel that puts the access token and a new proof on every call.
///
/// It stands between the generated client and tonic's `Channel`: `BankClient::new(Dpop::new(..))`. An interceptor would not
/// do, since it does not see the answers, and with them the nonces.
#[derive(Clone)]
pub struct Dpop<C> {
    channel: C,
    /// Scheme, host and port of the server: what the proof names, together with the method's path.
    origin: String,
    token: Arc<str>,
    signer: Arc<ProofSigner>,
    nonce: Arc<Mutex<Option<String>>>,
}

impl<C> Dpop<C> {
    pub fn new(channel: C, origin: &str, token: &str, signer: ProofSigner) -> Self {
        Self {
            channel,
            origin: origin.to_owned(),
            token: token.into(),
            signer: Arc::new(signer),
            nonce: Arc::default(),
        }
    }

    /// RFC 9449 §4.2, §7.1: to gRPC the method is always `POST`, and the URL is `https://host/package.Service/Method`.
    fn sign<B>(&self, request: &mut Request<B>) -> Result<(), BoxError> {
        let url = format!("{}{}", self.origin, request.uri().path());
        let nonce = self
            .nonce
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let proof = self.signer.sign(&NewProof {
            method: request.method().as_str(),
            url: &url,
            access_token: Some(&self.token),
            nonce: nonce.as_deref(),
            now: SystemClock.now(),
        })?;
        let token = HeaderValue::try_from(format!("DPoP {}", self.token))?;
        request.headers_mut().insert(AUTHORIZATION, token);
        request.headers_mut().insert("dpop", proof.try_into()?);
        Ok(())
    }
}

impl<C, A> Service<Request<Body>> for Dpop<C>
where
    C: Service<Request<Body>, Response = Response<A>>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = Response<A>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.channel.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Err(error) = self.sign(&mut request) {
            return Box::pin(async { Err(error) });
        }
        let (answer, nonce) = (self.channel.call(request), Arc::clone(&self.nonce));
        Box::pin(async move {
            let answer = answer.await.map_err(Into::into)?;
            // On a refusal and on a success: the newest is the one to use (RFC 9449 §8.2).
            let new = answer
                .headers()
                .get("dpop-nonce")
                .and_then(|nonce| nonce.to_str().ok());
            if let Some(new) = new {
                *nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.to_owned());
            }
            Ok(answer)
        })
    }
}

/// Makes a call, and makes it once more if the server wants the nonce that it has just given (RFC 9449 §8).
///
/// That is not for the channel to do: by then it has given away the stream of messages, and only the caller has them again.
pub async fn with_nonce<T>(call: impl AsyncFn() -> Result<T, Status>) -> Result<T, Status> {
    match call().await {
        Err(status) if wants_nonce(&status) => call().await,
        outcome => outcome,
    }
}

fn wants_nonce(status: &Status) -> bool {
    let challenges = status.metadata().get_all("www-authenticate");
    let asks = |challenge: &str| challenge.contains(r#"error="use_dpop_nonce""#);
    challenges
        .iter()
        .any(|challenge| challenge.to_str().is_ok_and(asks))
}
