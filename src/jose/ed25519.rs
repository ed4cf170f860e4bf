//! Encoded Ed25519 points that must not serve as public keys (RFC 8032 §5.1.3, RFC 8725 §3.4).

/// The field's prime, 2^255 - 19, little-endian.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The y-coordinates of the eight points of small order, little-endian.
///
/// Under such a key anybody can sign: multiplied by it, the hash of the message takes one of eight values, or only one.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // 1: the neutral element.
    small(1),
    // -1: order 2.
    {
        let mut y = PRIME;
        y[0] -= 1;
        y
    },
    // 0: order 4.
    small(0),
    // Order 8.
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether an encoded point has its only spelling and not a small order.
///
/// That there is such a point at all shows only when a signature is verified; if there is none, nothing verifies.
pub(super) fn may_be_a_key(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    // The highest bit is the sign of the other coordinate.
    y[31] &= 0x7f;
    let reduced = y.iter().rev().lt(PRIME.iter().rev());
    reduced && !SMALL_ORDER.contains(&y)
}

const fn small(number: u8) -> [u8; 32] {
    let mut y = [0; 32];
    y[0] = number;
    y
}
