//! Whether somebody who was asked to watch knows of a revocation.

use super::{
    ResourceServer,
    judge::Halt,
    wish::{Findings, Wish},
};
use crate::{
    rejection::Refusal,
    time::Timestamp,
    token::{AccessToken, Standing, TokenError},
};

impl ResourceServer {
    /// Checks that whoever was asked to watch knows of no revocation.
    pub(super) fn not_revoked(
        &self,
        token: &AccessToken,
        now: Timestamp,
        findings: &Findings,
    ) -> Result<(), Halt> {
        let Some(check) = &self.0.revocation else {
            return Ok(());
        };
        let standing = match findings.standing {
            Some(standing) => standing,
            None => match check.check(token, now).now_or_pending() {
                Ok(Ok(standing)) => standing,
                // It cannot be said: that is reported where what had to be waited for is.
                Ok(Err(error)) => {
                    let answer = Box::pin(std::future::ready(Err(error)));
                    return Err(Halt::Waits(Wish::Revocation(answer)));
                }
                Err(pending) => return Err(Halt::Waits(Wish::Revocation(pending))),
            },
        };
        match standing {
            Standing::Active => Ok(()),
            Standing::Revoked => Err(Refusal::from(TokenError::Revoked).into()),
        }
    }
}
