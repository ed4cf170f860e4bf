//! A request to the API before it is known what carries it.

use http::{HeaderName, header::AUTHORIZATION};
use tower_fapi::dpop::DPOP;

/// A request, right or wrong.
#[derive(Clone)]
pub struct Call {
    pub operation: Operation,
    /// Behind the path, with its question mark.
    pub query: String,
    /// As many of one name as there are.
    pub headers: Vec<(HeaderName, String)>,
    /// The certificate that the connection shows.
    pub shown: Shown,
    /// Sent in the place of what the operation wants.
    pub body: Option<String>,
    pub over_tls: bool,
    /// Sent a second time if the first is let through. The second answer is the one that counts.
    pub twice: bool,
}

/// What the API can do.
#[derive(Clone, Copy)]
pub enum Operation {
    Accounts,
    Pay(Order),
}

/// A payment in euros.
#[derive(Clone, Copy)]
pub struct Order {
    pub cents: u64,
    pub to: &'static str,
    pub iban: &'static str,
}

/// Whose certificate somebody shows.
#[derive(Clone, Copy)]
pub enum Shown {
    Nothing,
    /// The client's own.
    Own,
    /// Of another client, from the authority that everybody trusts.
    Other,
    /// With the right name, from an authority that nobody trusts.
    Forged,
}

impl Call {
    /// Without any credentials.
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            query: String::new(),
            headers: Vec::new(),
            shown: Shown::Nothing,
            body: None,
            over_tls: true,
            twice: false,
        }
    }

    pub fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn authorization(self, scheme: &str, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("{scheme} {token}"))
    }

    pub fn proof(self, proof: String) -> Self {
        self.header(DPOP, proof)
    }

    pub fn in_query(mut self, token: &str) -> Self {
        self.query = format!("?access_token={token}");
        self
    }

    pub fn showing(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    pub fn body(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }

    pub fn without_tls(mut self) -> Self {
        self.over_tls = false;
        self
    }

    pub fn twice(mut self) -> Self {
        self.twice = true;
        self
    }
}

impl Order {
    /// The amount as money is written (ISO 20022).
    pub fn amount(&self) -> String {
        format!("{}.{:02}", self.cents / 100, self.cents % 100)
    }
}
