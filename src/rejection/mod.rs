//! How a refusal looks on the wire.
