//! Access tokens (RFC 9068).
