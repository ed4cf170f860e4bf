//! The bundled authorization server.
