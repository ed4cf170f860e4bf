//! An introspection endpoint made of memory, for tests that move time themselves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    Introspection,
    request::{Ask, RawAnswer},
};
use crate::{
    issuer::IntrospectionError,
    jose::{JwsAlgorithm, SigningKey},
    time::Timestamp,
};

/// What the endpoint answers. Clones are the same endpoint.
#[derive(Clone, Default)]
pub(crate) struct FakeEndpoint(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: HashMap<String, Reply>,
    otherwise: Option<Reply>,
    takes: Duration,
    asked: Vec<String>,
}

#[derive(Clone)]
pub(crate) enum Reply {
    Body(String),
    Fails(IntrospectionError),
    Hangs,
    Panics,
}

impl From<String> for Reply {
    fn from(body: String) -> Self {
        Self::Body(body)
    }
}

impl FakeEndpoint {
    /// From now on this is what is said of this token. Of others it is that they are not active.
    pub(crate) fn say(&self, token: &str, reply: impl Into<Reply>) {
        let mut state = self.0.lock().unwrap();
        state.replies.insert(token.to_owned(), reply.into());
    }

    /// From now on this is what is said of every token.
    pub(crate) fn say_always(&self, reply: Option<Reply>) {
        self.0.lock().unwrap().otherwise = reply;
    }

    /// From now on an answer takes this long.
    pub(crate) fn takes(&self, time: Duration) {
        self.0.lock().unwrap().takes = time;
    }

    /// How often it was asked.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    /// Settings that ask here.
    pub(crate) fn introspection(&self) -> Introspection {
        let key = SigningKey::generate(JwsAlgorithm::Es256).unwrap();
        let mut introspection = Introspection::private_key_jwt("api", key);
        introspection.asker = Some(Arc::new(self.clone()));
        introspection
    }
}

impl Ask for FakeEndpoint {
    fn ask<'a>(
        &'a self,
        token: &'a str,
        _: Timestamp,
    ) -> Pin<Box<dyn Future<Output = RawAnswer> + Send + 'a>> {
        let (reply, takes) = {
            let mut state = self.0.lock().unwrap();
            state.asked.push(token.to_owned());
            let reply = state.otherwise.as_ref().or(state.replies.get(token));
            (reply.cloned(), state.takes)
        };
        Box::pin(async move {
            // An answer that takes no time at all would hide what happens in between.
            sleep(takes + Duration::from_millis(1)).await;
            match reply {
                None => Ok(r#"{"active":false}"#.into()),
                Some(Reply::Body(body)) => Ok(body.into()),
                Some(Reply::Fails(error)) => Err(error),
                Some(Reply::Hangs) => std::future::pending().await,
                Some(Reply::Panics) => panic!("the endpoint is on fire"),
            }
        })
    }
}
