//! Who is who: the users of the configuration, checked, and what stands in for those who are not among them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    ConfiguredUsersError, HashFault, InvalidUser, TotpSecret, UserConfig, UserProblem,
    hash::{Floor, StoredHash},
    user::lookup_name,
};

/// The checked users by [`lookup_name`].
pub(super) struct Directory {
    users: HashMap<String, User>,
    second_factors: HashMap<String, TotpSecret>,
    claims: HashMap<String, Map<String, Value>>,
    decoys: Decoys,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) subject: String,
    pub(super) display_name: String,
    pub(super) has_second_factor: bool,
    hash: Arc<StoredHash>,
}

impl Directory {
    /// Checks each user, and that no two of them are the same.
    pub(super) fn new(
        configured: impl IntoIterator<Item = UserConfig>,
        floor: Floor,
    ) -> Result<Self, ConfiguredUsersError> {
        let mut users = HashMap::new();
        let mut subjects = HashSet::new();
        let mut second_factors = HashMap::new();
        let mut claims = HashMap::new();
        for (index, user) in configured.into_iter().enumerate() {
            let invalid = |problem| InvalidUser {
                position: index.saturating_add(1),
                username: user.username.clone(),
                problem,
            };
            user.check().map_err(invalid)?;
            let hash = StoredHash::parse(&user.password_hash, floor)
                .map_err(|error| invalid(error.into()))?;
            let totp = user.totp_secret.as_ref();
            let totp = totp.map(|secret| secret.parse::<TotpSecret>());
            let totp = totp.transpose().map_err(|error| invalid(error.into()))?;
            let name = lookup_name(&user.username);
            if users.contains_key(&name) {
                return Err(invalid(UserProblem::DuplicateUsername).into());
            }
            if !subjects.insert(user.subject.clone()) {
                return Err(invalid(UserProblem::DuplicateSubject).into());
            }
            let has_second_factor = totp.is_some();
            let mut known = user.claims.to_members();
            let name_on_pages = || user.display_name.clone().into();
            known.entry("name").or_insert_with(name_on_pages);
            claims.insert(user.subject.clone(), known);
            second_factors.extend(totp.map(|secret| (user.subject.clone(), secret)));
            let user = User {
                has_second_factor,
                subject: user.subject,
                display_name: user.display_name,
                hash: Arc::new(hash),
            };
            users.insert(name, user);
        }
        Ok(Self {
            decoys: Decoys::new(&users)?,
            users,
            second_factors,
            claims,
        })
    }

    /// The secret of the second factor of this subject.
    pub(super) fn second_factor(&self, subject: &str) -> Option<&TotpSecret> {
        self.second_factors.get(subject)
    }

    pub(super) fn has_subject(&self, subject: &str) -> bool {
        self.users.values().any(|user| user.subject == subject)
    }

    /// What is known of this subject.
    pub(super) fn claims(&self, subject: &str) -> Option<&Map<String, Value>> {
        self.claims.get(subject)
    }

    /// The names of all that is known of anybody.
    pub(super) fn claim_names(&self) -> BTreeSet<String> {
        self.claims.values().flat_map(Map::keys).cloned().collect()
    }

    pub(super) fn has_second_factors(&self) -> bool {
        !self.second_factors.is_empty()
    }

    /// The user of this lookup name, if there is one, and in any case the hash that the password is compared with.
    pub(super) fn find(&self, name: &str) -> (Option<&User>, Arc<StoredHash>) {
        let user = self.users.get(name);
        let hash = user.map_or_else(
            || self.decoys.stand_in_for(name),
            |user| Arc::clone(&user.hash),
        );
        (user, hash)
    }
}

/// What the passwords of unknown users are compared with, so that they take as long as a real one.
///
/// There is one for each user: where some hashes cost more than others, unknown names show the same mixture, and each
/// of them always the same cost.
#[derive(Debug)]
struct Decoys {
    hashes: Vec<Arc<StoredHash>>,
    fallback: Arc<StoredHash>,
    keyed: RandomState,
}

impl Decoys {
    fn new(users: &HashMap<String, User>) -> Result<Self, HashFault> {
        Ok(Self {
            hashes: users
                .values()
                .map(|user| user.hash.decoy().map(Arc::new))
                .collect::<Result<_, _>>()?,
            fallback: Arc::new(StoredHash::decoy_of_nobody()?),
            keyed: RandomState::new(),
        })
    }

    fn stand_in_for(&self, name: &str) -> Arc<StoredHash> {
        let picked = usize::try_from(self.keyed.hash_one(name) >> 32)
            .ok()
            .and_then(|number| number.checked_rem(self.hashes.len()))
            .and_then(|index| self.hashes.get(index));
        Arc::clone(picked.unwrap_or(&self.fallback))
    }
}

/// Without what is known of people: a log needs none of it.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use argon2::Params;

    use super::*;
    use crate::authorization_server::people::{
        StandardClaims,
        hash::{WEAKEST, hash_with},
    };

    const ANY: Floor = Floor { memory: 0, work: 0 };

    fn user(username: &str, memory: u32) -> UserConfig {
        let params = Params::new(memory, 1, 1, None).unwrap();
        UserConfig {
            username: username.to_owned(),
            subject: format!("sub-{username}"),
            display_name: format!("{username} Example"),
            password_hash: hash_with(&params, &"engine".to_owned().into()).unwrap(),
            totp_secret: None,
            claims: StandardClaims::default(),
        }
    }

    #[test]
    fn users_that_cannot_be_right_are_refused() {
        type Change = fn(&mut UserConfig);
        let cases: [(&str, Change, UserProblem); 13] = [
            (
                "no name",
                |u| u.username.clear(),
                UserProblem::UsernameLength,
            ),
            (
                "long name",
                |u| u.username = "n".repeat(257),
                UserProblem::UsernameLength,
            ),
            (
                "space before",
                |u| u.username.insert(0, ' '),
                UserProblem::UsernameCharacters,
            ),
            (
                "space after",
                |u| u.username.push('\u{a0}'),
                UserProblem::UsernameCharacters,
            ),
            (
                "NUL in name",
                |u| u.username.insert(1, '\0'),
                UserProblem::UsernameCharacters,
            ),
            (
                "same name",
                |u| u.username = "Ada".into(),
                UserProblem::DuplicateUsername,
            ),
            (
                "same name, other case",
                |u| u.username = "aDA".into(),
                UserProblem::DuplicateUsername,
            ),
            ("no subject", |u| u.subject.clear(), UserProblem::Subject),
            (
                "long subject",
                |u| u.subject = "s".repeat(256),
                UserProblem::Subject,
            ),
            (
                "subject beyond ASCII",
                |u| u.subject.push('\u{e9}'),
                UserProblem::Subject,
            ),
            (
                "same subject",
                |u| u.subject = "sub-Ada".into(),
                UserProblem::DuplicateSubject,
            ),
            (
                "blank display name",
                |u| u.display_name = " ".into(),
                UserProblem::DisplayName,
            ),
            (
                "control in display name",
                |u| u.display_name.push('\n'),
                UserProblem::DisplayName,
            ),
        ];
        for (case, change, problem) in cases {
            let mut second = user("bob", 32);
            change(&mut second);
            let username = second.username.clone();
            let error = Directory::new([user("Ada", 32), second], ANY).unwrap_err();
            let expected = InvalidUser {
                position: 2,
                username,
                problem,
            };
            assert_eq!(error, ConfiguredUsersError::User(expected), "{case}");
        }
    }

    #[test]
    fn a_weak_hash_is_refused_with_the_name_of_the_user() {
        let error = Directory::new([user("ada", 32)], WEAKEST).unwrap_err();
        assert_eq!(
            error.to_string(),
            "user 1 (\"ada\"): password_hash: too weak with m=32, t=1: m must be at least 7168 (KiB) and m times t \
             at least 35840"
        );
    }

    #[test]
    fn unknown_names_show_the_same_mixture_of_costs_as_users() {
        let directory = Directory::new([user("ada", 32), user("bob", 64)], ANY).unwrap();
        let cost = |name: &str| format!("{:?}", directory.find(name).1);
        let (ada, bob) = (cost("ada"), cost("bob"));
        let strangers: HashSet<_> = (0..200).map(|n| cost(&format!("nobody{n}"))).collect();
        assert_eq!(strangers, HashSet::from([ada, bob]));
        assert_eq!(
            cost("nobody"),
            cost("nobody"),
            "always the same for one name"
        );
    }

    #[test]
    fn what_is_known_of_people_stays_out_of_logs() {
        let mut ada = user("ada", 32);
        ada.claims.email = Some("ada@example.com".to_owned());
        let directory = Directory::new([ada], ANY).unwrap();
        assert!(directory.claims("sub-ada").unwrap().contains_key("email"));
        assert!(!format!("{directory:?}").contains("ada@example.com"));
    }
}
