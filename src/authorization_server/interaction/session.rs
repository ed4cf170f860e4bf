//! Who has signed in.

use http::HeaderMap;

use super::{
    Interaction,
    cookies::{self, BROWSER, SESSION},
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
        // The cookie of a session is worth nothing in another browser.
        let browser = cookies::read(headers, BROWSER).map(|browser| sha256(browser.as_bytes()));
        let session =
            session.filter(|session| session.browser.is_none() || session.browser == browser);
        Ok(session.map(|session| Live { id, session }))
    }

    /// Starts a session for somebody who has just signed in for this request.
    pub(super) async fn start_session(
        &self,
        headers: &HeaderMap,
        person: Authenticated,
        interaction: &Interaction,
        now: Timestamp,
    ) -> Result<(Secret, Live), PageError> {
        let acr = person
            .acr
            .unwrap_or_else(|| self.authentication.password_acr.clone());
        let session = Session {
            subject: person.subject,
            display_name: person.display_name,
            auth_time: person.auth_time,
            acr,
            amr: person.amr,
            has_second_factor: person.has_second_factor,
            second_factor_proved: false,
            signed_in_for: Some(interaction.opening()),
            browser: Some(interaction.browser),
            until: now.plus(self.lifetimes.session),
        };
        self.keep_session(headers, session, now).await
    }

    /// Goes on with the session of somebody who has proved their second factor. It lives no longer for it, and the time
    /// of the sign-in stays that of the password: nothing about it is older than it says.
    pub(super) async fn strengthen_session(
        &self,
        headers: &HeaderMap,
        live: Live,
        now: Timestamp,
    ) -> Result<(Secret, Live), PageError> {
        // One that has ended meanwhile, by a click in another window, must not be brought back.
        let taken: Option<Session> = self.records.take(live.id, now).await?;
        let mut session = taken.ok_or(PageError::Changed)?;
        // A name that an authenticator of somebody's own gave stays: it may well mean more than two factors.
        if session.acr == self.authentication.password_acr {
            session
                .acr
                .clone_from(&self.authentication.multi_factor_acr);
        }
        session.second_factor_proved = true;
        // RFC 8176 §2.
        session.amr.extend(["otp", "mfa"].map(str::to_owned));
        self.keep_session(headers, session, now).await
    }

    /// Stores a session under a new identifier. The one the browser had before ends: nobody else can have planted or kept
    /// it.
    async fn keep_session(
        &self,
        headers: &HeaderMap,
        session: Session,
        now: Timestamp,
    ) -> Result<(Secret, Live), PageError> {
        if let Some(former) = cookies::read(headers, SESSION) {
            let _: Option<Session> = self.records.take(sha256(former.as_bytes()), now).await?;
        }
        let secret = Secret::generate()?;
        let id = secret.hash();
        self.records.put(id, &session, session.until, now).await?;
        Ok((secret, Live { id, session }))
    }
}
