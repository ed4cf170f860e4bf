//! Client certificates (RFC 8705).
