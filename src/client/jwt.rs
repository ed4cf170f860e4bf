//! JWTs of the authorization server: decrypted with the client's keys, verified with the server's.

use super::{
    client::Client,
    error::ClientError,
    id_token::IdToken,
    id_token_error::IdTokenError,
    secret::SecretText,
    sign_in::{Expected, Occasion},
};
use crate::{
    jose::{
        CompactJws, JwsAlgorithm, JwsError, JwsHeader,
        jwe::{AcceptedEncryption, DecryptionKeyRing, JweError, decrypt},
    },
    time::Timestamp,
};

/// What ID tokens have to be, beside what was asked for.
#[derive(Debug, Default)]
pub(super) struct IdTokenSettings {
    /// What they have to be encrypted to, if they are.
    pub(super) keys: Option<DecryptionKeyRing>,
    /// The only algorithm they may be signed with, if there is only one.
    pub(super) algorithm: Option<JwsAlgorithm>,
    pub(super) trusted_audiences: Vec<String>,
}

impl Client {
    /// Decrypts an ID token if it has to be encrypted, and believes it if it is what was asked for.
    pub(super) async fn open_id_token(
        &self,
        text: SecretText,
        access_token: &str,
        occasion: Occasion<'_>,
    ) -> Result<IdToken, ClientError> {
        let settings = &self.parts.id_tokens;
        let text = match (&settings.keys, is_encrypted(text.secret())) {
            (Some(keys), true) => {
                decrypted(text.secret(), keys).map_err(IdTokenError::Decryption)?
            }
            (Some(_), false) => return Err(IdTokenError::NotEncrypted.into()),
            (None, true) => return Err(IdTokenError::Encrypted.into()),
            (None, false) => text,
        };
        let now = self.now();
        let header = CompactJws::parse(text.secret())
            .and_then(|jws| jws.header())
            .map_err(|error| self.malformed(error))?;
        let token = IdToken::read(text)?;
        let expected = Expected {
            issuer: self.issuer(),
            client_id: &self.parts.client_id,
            trusted_audiences: &settings.trusted_audiences,
            algorithm: settings.algorithm,
            access_token,
            occasion,
            now,
        };
        expected.check(&header, &token)?;
        let jws = CompactJws::parse(token.text.secret()).map_err(IdTokenError::Jwt)?;
        let verdict = self.verify_signature(&jws, &header, now).await?;
        verdict.map_err(IdTokenError::Jwt)?;
        Ok(match expected.occasion {
            Occasion::Code { .. } => token,
            Occasion::Refresh(former) => token.after(former),
        })
    }

    /// Verifies a signature with the keys that the authorization server publishes.
    pub(super) async fn verify_signature(
        &self,
        jws: &CompactJws<'_>,
        header: &JwsHeader,
        now: Timestamp,
    ) -> Result<Result<(), JwsError>, ClientError> {
        let metadata = self.discover().await?;
        let jwks_uri = metadata
            .jwks_uri
            .as_ref()
            .ok_or(ClientError::MissingEndpoint("jwks_uri"))?;
        let keys = &self.parts.server_keys;
        Ok(keys.verify(jwks_uri, jws, header, now).await?)
    }

    fn malformed(&self, error: JwsError) -> IdTokenError {
        match error {
            JwsError::Algorithm => IdTokenError::Algorithm {
                expected: self.parts.id_tokens.algorithm,
            },
            other => IdTokenError::Jwt(other),
        }
    }
}

/// Whether the text has the five segments of an encrypted document (RFC 7516 §9).
pub(super) fn is_encrypted(text: &str) -> bool {
    text.split('.').count() == 5
}

/// The signed document inside an encrypted one.
pub(super) fn decrypted(text: &str, keys: &DecryptionKeyRing) -> Result<SecretText, JweError> {
    let opened = decrypt(text, &keys.current(), &AcceptedEncryption::default())?;
    let inside = std::str::from_utf8(&opened.plaintext).map_err(|_| JweError::Decryption)?;
    Ok(SecretText::new(inside))
}
