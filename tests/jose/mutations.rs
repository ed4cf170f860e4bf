//! Tokens that both sides accept, changed in ways that neither may overlook.

use std::sync::LazyLock;

use jsonwebtoken::{DecodingKey, Header};
use proptest::{prelude::*, sample::Index};
use serde_json::json;
use tower_fapi::jose::{Jwk, JwsAlgorithm, SigningHeader, VerifyingKeySet, base64url, sign};

use crate::{
    oracle::{exported, their_keys, theirs, they_open, they_sign},
    support::{key, open, set},
};

/// A token that both sides accept, and the key both sides have for it.
struct Agreed {
    token: String,
    algorithm: JwsAlgorithm,
    ours: VerifyingKeySet,
    theirs: DecodingKey,
}

impl Agreed {
    fn accepted_by(&self, token: &[u8]) -> (bool, bool) {
        let we = str::from_utf8(token).is_ok_and(|token| open(token, &self.ours).is_ok());
        let they = they_open(token, self.algorithm, &self.theirs).is_some();
        (we, they)
    }
}

/// Three that we signed and three that they signed.
fn agreed() -> &'static [Agreed] {
    static TOKENS: LazyLock<Vec<Agreed>> = LazyLock::new(|| {
        let claims = |by: &str| json!({"iss": by, "iat": 1_600_000_000});
        let ours = JwsAlgorithm::ALL.map(|algorithm| {
            let payload = claims("us").to_string();
            let header = SigningHeader {
                typ: Some("at+jwt"),
                jwk: None,
            };
            Agreed {
                token: sign(key(algorithm), header, payload.as_bytes()).unwrap(),
                algorithm,
                ours: set([key(algorithm).public().clone()]),
                theirs: DecodingKey::from_jwk(&exported(algorithm)).unwrap(),
            }
        });
        let theirs = their_keys().iter().map(|key| Agreed {
            token: they_sign(key, &Header::new(theirs(key.algorithm)), &claims("them")),
            algorithm: key.algorithm,
            ours: set([Jwk::try_from(&key.public).unwrap()]),
            theirs: DecodingKey::from_jwk(&key.public).unwrap(),
        });
        ours.into_iter().chain(theirs).collect()
    });
    &TOKENS
}

#[test]
fn both_sides_accept_what_is_mutated_below() {
    for agreed in agreed() {
        assert_eq!(agreed.accepted_by(agreed.token.as_bytes()), (true, true));
    }
    assert_eq!(agreed().len(), 6);
}

/// One way to spoil a token.
#[derive(Clone, Debug)]
enum Mutation {
    FlipBit(Index, u8),
    /// The same within what a segment encodes, so that the text stays canonical.
    FlipInside(usize, Index, u8),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Truncate(Index),
    TruncateInside(usize, Index),
    Extend(Vec<u8>),
    ExtendInside(usize, Vec<u8>),
    SwapSegments(usize, usize),
    RepeatSegment(usize),
    /// A segment of another token.
    Graft(Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let few = || proptest::collection::vec(any::<u8>(), 1..5);
    let text = "[A-Za-z0-9_.-]{1,5}".prop_map(String::into_bytes);
    prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        (0..3usize, at(), 0..8u8).prop_map(|(part, at, bit)| Mutation::FlipInside(part, at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at(), few()).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), text.clone()).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), 1..50usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        at().prop_map(Mutation::Truncate),
        (0..3usize, at()).prop_map(|(part, at)| Mutation::TruncateInside(part, at)),
        few().prop_map(Mutation::Extend),
        text.prop_map(Mutation::Extend),
        (0..3usize, few()).prop_map(|(part, bytes)| Mutation::ExtendInside(part, bytes)),
        (0..3usize, 0..3usize).prop_map(|(one, other)| Mutation::SwapSegments(one, other)),
        (0..3usize).prop_map(Mutation::RepeatSegment),
        (at(), 0..3usize).prop_map(|(from, part)| Mutation::Graft(from, part)),
    ]
}

fn mutated(token: &str, mutation: &Mutation) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    let mut segments: Vec<_> = token.split('.').map(str::to_owned).collect();
    let inside = |part: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut segments = segments.clone();
        let mut content = base64url::decode(&segments[part]).unwrap();
        change(&mut content);
        segments[part] = base64url::encode(content);
        segments.join(".").into_bytes()
    };
    match mutation {
        Mutation::FlipBit(at, bit) => *at.get_mut(&mut bytes) ^= 1 << bit,
        Mutation::Replace(at, byte) => *at.get_mut(&mut bytes) = *byte,
        Mutation::Insert(at, more) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, more.iter().copied());
        }
        Mutation::Remove(at, count) => {
            let at = at.index(bytes.len());
            bytes.drain(at..bytes.len().min(at + count));
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(token.len())),
        Mutation::Extend(more) => bytes.extend(more),
        Mutation::FlipInside(part, at, bit) => {
            bytes = inside(*part, &|content| *at.get_mut(content) ^= 1 << bit);
        }
        Mutation::TruncateInside(part, at) => {
            bytes = inside(*part, &|content| content.truncate(at.index(content.len())));
        }
        Mutation::ExtendInside(part, more) => {
            bytes = inside(*part, &|content| content.extend(more));
        }
        Mutation::SwapSegments(one, other) => {
            segments.swap(*one, *other);
            bytes = segments.join(".").into_bytes();
        }
        Mutation::RepeatSegment(part) => {
            segments.insert(*part, segments[*part].clone());
            bytes = segments.join(".").into_bytes();
        }
        Mutation::Graft(from, part) => {
            let donor = from.get(agreed()).token.split('.').nth(*part).unwrap();
            donor.clone_into(&mut segments[*part]);
            bytes = segments.join(".").into_bytes();
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_token_that_was_changed_is_accepted_by_neither(which: Index, mutations in proptest::collection::vec(mutation(), 1..3)) {
        let agreed = which.get(agreed());
        // The second change may undo the first, and most work on tokens that are still text.
        let mut changed = mutated(&agreed.token, &mutations[0]);
        if let Some(second) = mutations.get(1)
            && !matches!(second, Mutation::FlipInside(..) | Mutation::TruncateInside(..) | Mutation::ExtendInside(..))
            && let Ok(text) = str::from_utf8(&changed)
            && text.split('.').count() == 3
            && !text.is_empty()
        {
            changed = mutated(text, second);
        }
        if changed != agreed.token.as_bytes() {
            prop_assert_eq!(agreed.accepted_by(&changed), (false, false));
        }
    }
}
