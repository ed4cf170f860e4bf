//! Authorization servers this resource server trusts: metadata and keys.
