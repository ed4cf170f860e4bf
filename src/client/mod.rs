//! The FAPI 2.0 client.
