//! How a client wants what it is told about people and tokens: the settings.

use super::builder::ClientBuilder;
use crate::jose::{JwsAlgorithm, jwe::DecryptionKeyRing};

impl<Step> ClientBuilder<Step> {
    /// Takes ID tokens only if they are encrypted to one of these keys, for a client that is registered with
    /// `id_token_encrypted_response_alg` (OpenID Connect Core §3.1.3.7, rule 1).
    pub fn encrypted_id_tokens(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.settings.id_tokens.keys = Some(keys.into());
        self
    }

    /// Takes ID tokens only if they are signed with this algorithm, the client's registered `id_token_signed_response_alg`
    /// (OpenID Connect Core §3.1.3.7, rule 7). Unless set, each of those that FAPI allows will do: `PS256`, `ES256` and
    /// `EdDSA`, and never `none`, `RS256` or a shared secret.
    pub fn id_token_algorithm(mut self, algorithm: JwsAlgorithm) -> Self {
        self.settings.id_tokens.algorithm = Some(algorithm);
        self
    }

    /// Lets this name stand in `aud` of ID tokens beside the client, whose own name then has to stand in `azp`. Unless set,
    /// ID tokens are for this client alone (OpenID Connect Core §3.1.3.7, rules 3 and 4).
    pub fn trusted_audience(mut self, name: impl Into<String>) -> Self {
        self.settings.id_tokens.trusted_audiences.push(name.into());
        self
    }

    /// Takes userinfo only if the authorization server has signed it, for a client that is registered with
    /// `userinfo_signed_response_alg` (OpenID Connect Core §5.3.2). Otherwise plain answers do as well, believed because of
    /// the connection they come over.
    pub fn signed_userinfo(mut self) -> Self {
        self.settings.user_info.signed = true;
        self
    }

    /// As [`signed_userinfo`](Self::signed_userinfo), for a client that is registered with
    /// `userinfo_encrypted_response_alg`, too: answers have to be signed and then encrypted to one of these keys.
    pub fn encrypted_userinfo(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.settings.user_info.keys = Some(keys.into());
        self.signed_userinfo()
    }

    /// Takes answers of the introspection endpoint only if the authorization server has signed them, for a client that is
    /// registered with `introspection_signed_response_alg` (RFC 9701; FAPI 2.0 Message Signing, "Signing introspection
    /// responses").
    pub fn signed_introspection(mut self) -> Self {
        self.settings.introspection.signed = true;
        self
    }

    /// As [`signed_introspection`](Self::signed_introspection), for a client that is registered with
    /// `introspection_encrypted_response_alg`, too: answers have to be signed and then encrypted to one of these keys.
    pub fn encrypted_introspection(mut self, keys: impl Into<DecryptionKeyRing>) -> Self {
        self.settings.introspection.keys = Some(keys.into());
        self.signed_introspection()
    }
}
