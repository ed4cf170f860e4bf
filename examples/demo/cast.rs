//! Who takes part: two clients of the bank, a third that would like to be one of them, and a person.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tower_fapi::{
    authorization_server::{
        ClientMetadata,
        people::{Password, StandardClaims, TotpSecret, UserConfig, hash_password},
    },
    jose::{JwsAlgorithm, PrivateJwk, SigningKey},
    time::Timestamp,
};

use crate::{
    Outcome, api,
    certificates::{Authority, Certificate},
};

/// Seconds that a code stands on the display of a phone (RFC 6238 §5.2).
const STEP: i64 = 30;

/// What the API is called where it asks about tokens.
pub const API: &str = "bank-api";

pub struct Cast {
    /// Authenticates with assertions, has its tokens bound to a DPoP key.
    pub planner: KeyClient,
    /// Registered like the first, with an RSA key: what it has is its own, and it wants what the first has.
    pub rival: KeyClient,
    /// Signs its requests, and wants its answers signed.
    pub ledger: KeyClient,
    /// Authenticates with a certificate, to which its tokens are bound.
    pub books: CertificateClient,
    /// What the API shows when it asks the authorization server about a token.
    pub api: Certificate,
    pub ada: Person,
}

/// A client with `private_key_jwt` (OpenID Connect Core §9).
pub struct KeyClient {
    pub id: &'static str,
    pub name: &'static str,
    pub redirect_uri: &'static str,
    key: PrivateJwk,
}

/// A client with `tls_client_auth` (RFC 8705 §2.1).
pub struct CertificateClient {
    pub id: &'static str,
    pub name: &'static str,
    pub redirect_uri: &'static str,
    pub certificate: Certificate,
}

/// Somebody with an account.
pub struct Person {
    pub username: &'static str,
    pub password: &'static str,
    pub display_name: &'static str,
    pub subject: &'static str,
    phone: Phone,
}

/// An authenticator app (RFC 6238).
struct Phone {
    secret: TotpSecret,
    /// The last thirty seconds whose code was used. Each is good once.
    used: AtomicI64,
}

impl Cast {
    pub fn assemble(authority: &Authority) -> Outcome<Self> {
        Ok(Self {
            planner: KeyClient {
                id: "budget-planner",
                name: "Budget Planner",
                redirect_uri: "https://budget.example/callback",
                key: PrivateJwk::generate(JwsAlgorithm::Es256)?,
            },
            rival: KeyClient {
                id: "coupon-club",
                name: "Coupon Club",
                redirect_uri: "https://coupons.example/callback",
                key: PrivateJwk::generate(JwsAlgorithm::Ps256)?,
            },
            ledger: KeyClient {
                id: "ledger",
                name: "Ledger",
                redirect_uri: "https://ledger.example/callback",
                key: PrivateJwk::generate(JwsAlgorithm::Es256)?,
            },
            books: CertificateClient {
                id: "books-on-time",
                name: "Books on Time",
                redirect_uri: "https://books.example/callback",
                certificate: authority.client("books-on-time")?,
            },
            api: authority.client(API)?,
            ada: Person {
                username: "ada",
                password: "correct horse battery staple",
                display_name: "Ada Lovelace",
                subject: "248289761001",
                phone: Phone {
                    secret: TotpSecret::generate()?,
                    used: AtomicI64::default(),
                },
            },
        })
    }
}

impl KeyClient {
    /// The key that signs assertions. Keys are not copied; each of those who need one is given its own.
    pub fn signing_key(&self) -> Outcome<SigningKey> {
        Ok(SigningKey::new(&self.key)?)
    }

    /// The key as a library would see it that does not stick to one algorithm.
    pub fn private_key(&self) -> &PrivateJwk {
        &self.key
    }

    /// Where people come back to who have logged out.
    pub fn after_logout(&self) -> String {
        self.redirect_uri.replace("/callback", "/goodbye")
    }

    /// What the authorization server knows of the client (RFC 7591 §2).
    pub fn registration(&self, also_returns_to: Option<&str>) -> Outcome<ClientMetadata> {
        let mut redirect_uris = vec![self.redirect_uri];
        redirect_uris.extend(also_returns_to);
        Ok(serde_json::from_value(json!({
            "client_id": self.id,
            "client_name": self.name,
            "redirect_uris": redirect_uris,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [self.signing_key()?.public().to_members()] },
            "post_logout_redirect_uris": [self.after_logout()],
            "scope": "openid profile accounts",
            "authorization_details_types": [api::PAYMENT],
            "grant_types": ["authorization_code", "refresh_token"],
            "dpop_bound_access_tokens": true,
        }))?)
    }
}

impl KeyClient {
    /// The same for a client whose messages are signed (RFC 9101 §10.5, FAPI 2.0 Message Signing §5.3.3).
    pub fn signed_registration(&self) -> Outcome<ClientMetadata> {
        let mut metadata = self.registration(None)?;
        metadata.require_signed_request_object = Some(true);
        metadata.response_modes = Some(vec!["jwt".to_owned()]);
        Ok(metadata)
    }
}

impl CertificateClient {
    /// What the authorization server knows of the client (RFC 7591 §2, RFC 8705 §2.1.2).
    pub fn registration(&self) -> Outcome<ClientMetadata> {
        Ok(serde_json::from_value(json!({
            "client_id": self.id,
            "client_name": self.name,
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": Certificate::subject_of(self.id),
            "scope": "accounts payments",
            "grant_types": ["authorization_code", "refresh_token"],
            "tls_client_certificate_bound_access_tokens": true,
        }))?)
    }
}

impl Person {
    /// As the configuration of the authorization server has it: a hash and no password.
    pub fn account(&self) -> Outcome<UserConfig> {
        Ok(UserConfig {
            username: self.username.to_owned(),
            subject: self.subject.to_owned(),
            display_name: self.display_name.to_owned(),
            password_hash: hash_password(&Password::from(self.password.to_owned()))?,
            totp_secret: Some(self.phone.secret.to_base32()),
            claims: StandardClaims::default(),
        })
    }

    /// The code that the app shows now, or the next one if that has been typed already.
    pub fn code(&self, now: Timestamp) -> String {
        let last = self.phone.used.load(Ordering::SeqCst);
        let step = now.as_unix().div_euclid(STEP).max(last + 1);
        self.phone.used.store(step, Ordering::SeqCst);
        self.used_code()
    }

    /// The code that was typed last.
    pub fn used_code(&self) -> String {
        let step = self.phone.used.load(Ordering::SeqCst);
        self.phone.secret.code(Timestamp::from_unix(step * STEP))
    }
}
