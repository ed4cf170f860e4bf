//! What the verdict may have to wait for, and what came of it.

use crate::{
    issuer::{IssuerKeys, KeySnapshot, KeysUnavailable},
    rejection::Fault,
    time::Timestamp,
};

/// Something the verdict needs and has not at hand. Fulfil it, then judge again.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Keys of an issuer.
    Keys(KeyWish),
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
}

impl Wish {
    /// How many kinds there are: no request waits more often, because each kind is fulfilled at most once.
    pub(super) const KINDS: usize = 1;

    /// Waits, and notes what came of it.
    ///
    /// # Errors
    ///
    /// [`Fault`]: we could not get it, and the request is not to blame.
    pub(super) async fn fulfil(self, now: Timestamp, findings: &mut Findings) -> Result<(), Fault> {
        match self {
            Self::Keys(wish) => findings.keys = Some(wish.fulfil(now).await?),
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
