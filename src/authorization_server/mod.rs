//! The bundled authorization server.

pub mod pages;
pub mod people;
