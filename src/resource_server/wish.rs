//! What the verdict may have to wait for, and what came of it.

#[cfg(feature = "authorization-server")]
use super::own_tokens::{Vouched, Vouching};
#[cfg(feature = "discovery")]
use crate::{
    issuer::{Introspector, Question},
    token::Introspected,
};
use crate::{
    issuer::{IssuerKeys, KeySnapshot, KeysUnavailable},
    rejection::Fault,
    time::Timestamp,
    token::{PendingStanding, Standing},
};

/// Something the verdict needs and has not at hand. Fulfil it, then judge again.
pub(crate) enum Wish {
    /// Keys of an issuer.
    Keys(KeyWish),
    /// What an issuer says about the token.
    #[cfg(feature = "discovery")]
    Introspection(Introspector, Question),
    /// Whether the token was revoked, as somebody else knows.
    Revocation(PendingStanding),
    /// What the issuer in this process remembers of the token.
    #[cfg(feature = "authorization-server")]
    Vouching(Vouching),
}

/// Keys that are not at hand.
#[derive(Debug)]
pub(crate) struct KeyWish {
    pub(super) keys: IssuerKeys,
    /// The generation in which the token's key was not found; `None` if there are no keys at all.
    pub(super) unknown_in: Option<u64>,
}

/// What has been waited for on behalf of one request. Judging does not wish for what stands here.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Keys fetched for this request: a key that they lack does not exist.
    pub(super) keys: Option<KeySnapshot>,
    /// What the issuer has just said.
    #[cfg(feature = "discovery")]
    pub(super) introspected: Option<Introspected>,
    /// What the check for revocation has just said.
    pub(super) standing: Option<Standing>,
    /// What the issuer in this process has just said.
    #[cfg(feature = "authorization-server")]
    pub(super) vouched: Option<Vouched>,
}

impl Wish {
    /// How many kinds there are: no request waits more often, because each kind is fulfilled at most once.
    pub(super) const KINDS: usize = 4;

    /// Waits, and notes what came of it.
    ///
    /// # Errors
    ///
    /// [`Fault`]: we could not get it, and the request is not to blame.
    pub(super) async fn fulfil(self, now: Timestamp, findings: &mut Findings) -> Result<(), Fault> {
        match self {
            Self::Keys(wish) => findings.keys = Some(wish.fulfil(now).await?),
            #[cfg(feature = "discovery")]
            Self::Introspection(introspector, question) => {
                findings.introspected = Some(introspector.ask(question, now).await?);
            }
            Self::Revocation(answer) => findings.standing = Some(answer.await?),
            #[cfg(feature = "authorization-server")]
            Self::Vouching(answer) => findings.vouched = Some(answer.await?),
        }
        Ok(())
    }
}

impl KeyWish {
    async fn fulfil(&self, now: Timestamp) -> Result<KeySnapshot, KeysUnavailable> {
        match self.unknown_in {
            None => self.keys.obtain(now).await,
            Some(generation) => self.keys.refresh_for_unknown_key(generation, now).await,
        }
    }
}
