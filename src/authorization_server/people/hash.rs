//! Argon2id hashes of passwords (RFC 9106) in the PHC string format.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, Version};
use aws_lc_rs::rand;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Password;

/// Hashes a password for the configuration: Argon2id with 19 MiB of memory, two passes, one lane and a random salt,
/// the first recommendation of the OWASP Password Storage Cheat Sheet.
///
/// Takes some tens of milliseconds; from async code call it on a blocking thread.
///
/// # Errors
///
/// [`HashFault`] if there is no memory or no randomness.
///
/// ```
/// use tower_fapi::authorization_server::people::{Password, hash_password};
///
/// let hash = hash_password(&Password::from("correct horse battery staple".to_owned()))?;
/// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// # Ok::<(), tower_fapi::authorization_server::people::HashFault>(())
/// ```
pub fn hash_password(password: &Password) -> Result<String, HashFault> {
    hash_with(&Params::DEFAULT, password)
}

/// A password could not be hashed: the machine is short of memory or randomness.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("password could not be hashed: {0}")]
pub struct HashFault(String);

/// Why a hash in the configuration is refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidHash {
    /// It is not a PHC string with salt and output.
    #[error("not a PHC string like `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`")]
    Malformed,
    /// It was made by another function than Argon2id version 19.
    #[error("only Argon2id, version 19, is supported")]
    Algorithm,
    /// The parameters are not `m`, `t` and `p`, in this order, or out of the range of Argon2.
    #[error("parameters must be m, t and p, in this order and in the range of Argon2")]
    Parameters,
    /// It could be guessed too cheaply. Given are the memory in KiB and the passes.
    #[error(
        "too weak with m={m}, t={t}: m must be at least 7168 (KiB) and m times t at least 35840"
    )]
    Weak {
        /// Memory in KiB.
        m: u32,
        /// Passes.
        t: u32,
    },
    /// Each sign-in would cost too much: more than 2 GiB of memory, or 64 passes.
    #[error("too costly with m={m}, t={t}: m must be at most 2097152 (KiB) and t at most 64")]
    Costly {
        /// Memory in KiB.
        m: u32,
        /// Passes.
        t: u32,
    },
    /// Salt or output is shorter than 16 bytes.
    #[error("salt and hash must be at least 16 bytes long")]
    Short,
}

/// In the order in which every tool writes them.
const PARAMETERS: [&str; 3] = ["m", "t", "p"];

/// The weakest of the equivalent settings that OWASP recommends is m=7168, t=5.
pub(super) const WEAKEST: Floor = Floor {
    memory: 7168,
    work: 7168 * 5,
};

/// The least that is accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// KiB.
    pub(super) memory: u32,
    /// KiB times passes.
    pub(super) work: u64,
}

/// A checked hash, ready to be compared with.
pub(super) struct StoredHash {
    argon2: Argon2<'static>,
    salt: Vec<u8>,
    output: Zeroizing<Vec<u8>>,
}

impl StoredHash {
    pub(super) fn parse(text: &str, floor: Floor) -> Result<Self, InvalidHash> {
        let hash = PasswordHash::new(text).map_err(|_| InvalidHash::Malformed)?;
        if hash.algorithm != Algorithm::Argon2id.ident()
            || hash.version != Some(Version::V0x13.into())
        {
            return Err(InvalidHash::Algorithm);
        }
        let (Some(salt), Some(output)) = (&hash.salt, &hash.hash) else {
            return Err(InvalidHash::Malformed);
        };
        if salt.len() < 16 || output.len() < 16 {
            return Err(InvalidHash::Short);
        }
        // Argon2 would fill in a default for what is missing, and take the last of what is there twice.
        if !hash
            .params
            .iter()
            .map(|(name, _)| name.as_str().to_owned())
            .eq(PARAMETERS)
        {
            return Err(InvalidHash::Parameters);
        }
        let params = Params::try_from(&hash).map_err(|_| InvalidHash::Parameters)?;
        let (m, t) = (params.m_cost(), params.t_cost());
        if m < floor.memory || u64::from(m) * u64::from(t) < floor.work {
            return Err(InvalidHash::Weak { m, t });
        }
        if m > 2 * 1024 * 1024 || t > 64 {
            return Err(InvalidHash::Costly { m, t });
        }
        Ok(Self::new(params, salt.to_vec(), output.as_bytes().to_vec()))
    }

    fn new(params: Params, salt: Vec<u8>, output: Vec<u8>) -> Self {
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            salt,
            output: Zeroizing::new(output),
        }
    }

    /// A hash of no password that costs as much to compare with as this one.
    pub(super) fn decoy(&self) -> Result<Self, HashFault> {
        let mut salt = vec![0; self.salt.len()];
        let mut output = vec![0; self.output.len()];
        rand::fill(&mut salt).map_err(fault)?;
        rand::fill(&mut output).map_err(fault)?;
        Ok(Self::new(self.argon2.params().clone(), salt, output))
    }

    /// A hash of no password that costs as much as those of [`hash_password`].
    pub(super) fn decoy_of_nobody() -> Result<Self, HashFault> {
        Self::new(
            Params::DEFAULT,
            vec![0; 16],
            vec![0; Params::DEFAULT_OUTPUT_LEN],
        )
        .decoy()
    }

    /// Whether this is the hash of `password`. Takes as long either way.
    pub(super) fn matches(&self, password: &Password) -> Result<bool, HashFault> {
        let mut computed = Zeroizing::new(vec![0; self.output.len()]);
        self.argon2
            .hash_password_into(password.secret().as_bytes(), &self.salt, &mut computed)
            .map_err(fault)?;
        Ok(computed.ct_eq(&self.output).into())
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("params", self.argon2.params())
            .finish_non_exhaustive()
    }
}

pub(super) fn hash_with(params: &Params, password: &Password) -> Result<String, HashFault> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(fault)?;
    Argon2::from(params)
        .hash_password_with_salt(password.secret().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(fault)
}

fn fault(error: impl fmt::Display) -> HashFault {
    HashFault(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InvalidHash::*, *};

    const ANY: Floor = Floor { memory: 0, work: 0 };
    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const HASH: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";

    fn password(text: &str) -> Password {
        Password::from(text.to_owned())
    }

    #[test]
    fn a_hash_is_of_its_password_and_of_no_other() {
        let hash = hash_with(&Params::new(32, 1, 1, None).unwrap(), &password("engine")).unwrap();
        let stored = StoredHash::parse(&hash, ANY).unwrap();
        for (typed, right) in [
            ("engine", true),
            ("Engine", false),
            ("engine ", false),
            ("", false),
            ("engin", false),
        ] {
            assert_eq!(stored.matches(&password(typed)), Ok(right), "{typed:?}");
        }
    }

    #[test]
    fn what_the_helper_makes_is_accepted_and_never_the_same_twice() {
        let [one, two] = [(); 2].map(|()| hash_password(&password("engine")).unwrap());
        assert_ne!(one, two);
        assert_eq!(
            StoredHash::parse(&one, WEAKEST)
                .unwrap()
                .matches(&password("engine")),
            Ok(true)
        );
    }

    #[test]
    fn a_decoy_costs_the_same_and_matches_nothing() {
        let hash = hash_with(&Params::new(64, 3, 2, None).unwrap(), &password("engine")).unwrap();
        let stored = StoredHash::parse(&hash, ANY).unwrap();
        let decoy = stored.decoy().unwrap();
        assert_eq!(decoy.argon2.params(), stored.argon2.params());
        assert_eq!(decoy.output.len(), stored.output.len());
        assert_eq!(decoy.matches(&password("engine")), Ok(false));
    }

    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        let phc = |head: &str| format!("${head}${SALT}${HASH}");
        for (case, text, expected) in [
            ("empty", String::new(), Malformed),
            ("a password", "engine".to_owned(), Malformed),
            (
                "bcrypt",
                "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
                Malformed,
            ),
            ("Argon2i", phc("argon2i$v=19$m=19456,t=2,p=1"), Algorithm),
            ("Argon2d", phc("argon2d$v=19$m=19456,t=2,p=1"), Algorithm),
            (
                "upper case",
                phc("ARGON2ID$v=19$m=19456,t=2,p=1"),
                Malformed,
            ),
            (
                "version 16",
                phc("argon2id$v=16$m=19456,t=2,p=1"),
                Algorithm,
            ),
            ("no version", phc("argon2id$m=19456,t=2,p=1"), Algorithm),
            (
                "no salt",
                "$argon2id$v=19$m=19456,t=2,p=1".to_owned(),
                Malformed,
            ),
            (
                "no output",
                format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}"),
                Malformed,
            ),
            (
                "something after",
                format!("{}$x", phc("argon2id$v=19$m=19456,t=2,p=1")),
                Malformed,
            ),
            (
                "short salt",
                format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ${HASH}"),
                Short,
            ),
            (
                "short output",
                format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}$MDEyMzQ1Njc4OTAx"),
                Short,
            ),
        ] {
            assert_eq!(
                StoredHash::parse(&text, WEAKEST).err(),
                Some(expected),
                "{case}"
            );
        }
    }

    #[test]
    fn parameters_that_are_wrong_or_unwise_are_refused() {
        for (case, params, expected) in [
            ("none", "", Parameters),
            ("t missing", "m=19456,p=1", Parameters),
            ("m twice", "m=8,m=19456,p=1", Parameters),
            ("t twice", "m=19456,t=1,t=2,p=1", Parameters),
            ("a fourth", "m=19456,t=2,p=1,data=Zm9v", Parameters),
            ("no lanes", "m=19456,t=2,p=0", Parameters),
            ("more lanes than memory", "m=19456,t=2,p=19456", Parameters),
            ("not a number", "m=lots,t=2,p=1", Parameters),
            ("beyond 32 bits", "m=4294967296,t=2,p=1", Parameters),
            ("little memory", "m=7167,t=64,p=1", Weak { m: 7167, t: 64 }),
            ("few passes", "m=19456,t=1,p=1", Weak { m: 19456, t: 1 }),
            (
                "4 TiB",
                "m=4294967295,t=1,p=1",
                Costly { m: u32::MAX, t: 1 },
            ),
            ("65 passes", "m=19456,t=65,p=1", Costly { m: 19456, t: 65 }),
        ] {
            let text = format!("$argon2id$v=19${params}${SALT}${HASH}").replace("$$", "$");
            assert_eq!(
                StoredHash::parse(&text, WEAKEST).err(),
                Some(expected),
                "{case}"
            );
        }
    }

    // One of the vectors of the reference implementation (test.c of phc-winner-argon2).
    #[test]
    fn the_reference_implementation_agrees() {
        let output = b"\x09\x31\x61\x15\xd5\xcf\x24\xed\x5a\x15\xa3\x1a\x3b\xa3\x26\xe5\
                       \xcf\x32\xed\xc2\x47\x02\x98\x7c\x02\xb6\x56\x6f\x61\x91\x3c\xf7";
        let params = Params::new(65_536, 2, 1, Some(32)).unwrap();
        let stored = StoredHash::new(params, b"somesalt".to_vec(), output.to_vec());
        assert_eq!(stored.matches(&password("password")), Ok(true));
    }

    // OWASP Password Storage Cheat Sheet, Argon2id; RFC 9106 §4.
    #[test]
    fn every_recommended_cost_is_accepted() {
        for cost in [
            "m=47104,t=1,p=1",
            "m=19456,t=2,p=1",
            "m=12288,t=3,p=1",
            "m=9216,t=4,p=1",
            "m=7168,t=5,p=1",
            "m=2097152,t=1,p=4",
            "m=65536,t=3,p=4",
        ] {
            let parsed =
                StoredHash::parse(&format!("$argon2id$v=19${cost}${SALT}${HASH}"), WEAKEST);
            assert!(parsed.is_ok(), "{cost}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_refuse(text in r"\$?(argon2id)?\$?(v=19)?[\$,=mtpv0-9A-Za-z+/ \PC]{0,60}") {
            let _ = StoredHash::parse(&text, ANY);
        }
    }
}
