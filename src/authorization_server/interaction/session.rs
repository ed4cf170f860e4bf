//! Who has signed in.

use http::HeaderMap;

use super::{
    cookies::{self, SESSION},
    error::PageError,
};
use crate::{
    authorization_server::{people::Authenticated, secret::Secret, server::Server, store::Session},
    jose::sha256,
    time::Timestamp,
};

/// A session that lives, and the hash it is stored under.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: [u8; 32],
    pub(super) session: Session,
}

impl Server {
    /// The session of the browser that sent these headers.
    pub(super) async fn session(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Option<Live>, PageError> {
        let Some(cookie) = cookies::read(headers, SESSION) else {
            return Ok(None);
        };
        let id = sha256(cookie.as_bytes());
        let session: Option<Session> = self.records.get(id, now).await?;
        Ok(session.map(|session| Live { id, session }))
    }

    /// Starts a session for somebody who has just signed in. It always has a new identifier, and the one the browser
    /// had before ends: nobody else can have planted or kept it.
    pub(super) async fn start_session(
        &self,
        headers: &HeaderMap,
        person: Authenticated,
        now: Timestamp,
    ) -> Result<Secret, PageError> {
        if let Some(former) = cookies::read(headers, SESSION) {
            let _: Option<Session> = self.records.take(sha256(former.as_bytes()), now).await?;
        }
        let secret = Secret::generate()?;
        let session = Session {
            subject: person.subject,
            display_name: person.display_name,
            auth_time: person.auth_time,
            acr: person.acr,
            amr: person.amr,
        };
        let until = now.plus(self.lifetimes.session);
        self.records
            .put(secret.hash(), &session, until, now)
            .await?;
        Ok(secret)
    }
}
