//! Which algorithms a recipient takes.

use super::{ContentEncryption, JweAlgorithm, JweError, JweHeader};

/// The algorithms that a recipient takes, among those we know (RFC 7516 §5.2 step 6).
///
/// By default everything but [`RSA-OAEP`](JweAlgorithm::RsaOaep) with SHA-1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AcceptedEncryption {
    algorithms: Vec<JweAlgorithm>,
    encryptions: Vec<ContentEncryption>,
}

impl Default for AcceptedEncryption {
    fn default() -> Self {
        let all = JweAlgorithm::ALL.into_iter();
        Self {
            algorithms: all
                .filter(|algorithm| *algorithm != JweAlgorithm::RsaOaep)
                .collect(),
            encryptions: ContentEncryption::ALL.to_vec(),
        }
    }
}

impl AcceptedEncryption {
    /// Takes these key management algorithms and no others.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = JweAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Takes these content encryption algorithms and no others.
    #[must_use]
    pub fn with_encryptions(
        mut self,
        encryptions: impl IntoIterator<Item = ContentEncryption>,
    ) -> Self {
        self.encryptions = encryptions.into_iter().collect();
        self
    }

    /// The key management algorithms.
    #[must_use]
    pub fn algorithms(&self) -> &[JweAlgorithm] {
        &self.algorithms
    }

    /// The content encryption algorithms.
    #[must_use]
    pub fn encryptions(&self) -> &[ContentEncryption] {
        &self.encryptions
    }

    /// Judges a header.
    ///
    /// # Errors
    ///
    /// [`JweError::Algorithm`] or [`JweError::Encryption`].
    pub fn check(&self, header: &JweHeader) -> Result<(), JweError> {
        if !self.algorithms.contains(&header.algorithm()) {
            Err(JweError::Algorithm)
        } else if self.encryptions.contains(&header.encryption()) {
            Ok(())
        } else {
            Err(JweError::Encryption)
        }
    }
}
