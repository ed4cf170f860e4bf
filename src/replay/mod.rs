//! Replay protection for DPoP proofs (RFC 9449 §11.1).
