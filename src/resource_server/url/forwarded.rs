//! `Forwarded` (RFC 7239 §4): elements with commas between, each of pairs with semicolons between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The field is not what the grammar of RFC 7239 §4 allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

/// What one proxy has added. Parameters of extensions are read and forgotten (§5.5).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Element {
    /// Who asked the proxy (§5.2).
    pub(super) forwarded_for: Option<Node>,
    /// At which of its interfaces (§5.1).
    pub(super) by: Option<Node>,
    /// `Host` of the request (§5.3).
    pub(super) host: Option<String>,
    /// Its scheme (§5.4).
    pub(super) proto: Option<String>,
}

/// A node identifier (§6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Node {
    name: NodeName,
    /// Digits, or an obfuscated port with its underscore.
    port: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum NodeName {
    Address(IpAddr),
    Unknown,
    /// With its underscore.
    Obfuscated(String),
}

impl Node {
    pub(super) const fn address(&self) -> Option<IpAddr> {
        match self.name {
            NodeName::Address(address) => Some(address),
            NodeName::Unknown | NodeName::Obfuscated(_) => None,
        }
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let (name, port) = if let Some(text) = text.strip_prefix('[') {
            let (address, behind) = text.split_once(']').ok_or(Malformed)?;
            let address: Ipv6Addr = address.parse().map_err(|_| Malformed)?;
            let port = behind.strip_prefix(':');
            if port.is_none() && !behind.is_empty() {
                return Err(Malformed);
            }
            (NodeName::Address(address.into()), port)
        } else if let Some((name, port)) = text.split_once(':') {
            (NodeName::read(name)?, Some(port))
        } else {
            (NodeName::read(text)?, None)
        };
        if !port.is_none_or(|port| is_obfuscated(port) || is_port(port)) {
            return Err(Malformed);
        }
        let port = port.map(str::to_owned);
        Ok(Self { name, port })
    }
}

impl NodeName {
    fn read(name: &str) -> Result<Self, Malformed> {
        if name.eq_ignore_ascii_case("unknown") {
            Ok(Self::Unknown)
        } else if is_obfuscated(name) {
            Ok(Self::Obfuscated(name.to_owned()))
        } else {
            let address: Ipv4Addr = name.parse().map_err(|_| Malformed)?;
            Ok(Self::Address(address.into()))
        }
    }
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `"_" 1*( ALPHA / DIGIT / "." / "_" / "-" )` (§6.3).
fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !text.is_empty() && text.bytes().all(allowed)
    })
}

/// The elements of all fields, from left to right: one list, on however many lines (RFC 9110 §5.3).
pub(super) fn elements<'a>(
    fields: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Element>, Malformed> {
    let mut elements = Vec::new();
    for field in fields {
        let mut cursor = Cursor(field);
        loop {
            elements.extend(cursor.element()?);
            if !cursor.skips(',') {
                break;
            }
        }
        if !cursor.0.is_empty() {
            return Err(Malformed);
        }
    }
    Ok(elements)
}

/// Of the parameters that one proxy writes there are four. What a stranger writes before them costs little to refuse.
const MOST_PARAMETERS: usize = 16;

/// What has still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// One element; an empty one is allowed in a list and means nothing (RFC 9110 §5.6.1.2).
    fn element(&mut self) -> Result<Option<Element>, Malformed> {
        let (mut element, mut names) = (Element::default(), Vec::new());
        loop {
            self.skip_white_space();
            if let Some(name) = self.token() {
                // Each parameter at most once (§4), also those that mean nothing here.
                let name = name.to_ascii_lowercase();
                let value = self.skips('=').then(|| self.value()).ok_or(Malformed)??;
                match &*name {
                    _ if names.contains(&name) || names.len() >= MOST_PARAMETERS => {
                        return Err(Malformed);
                    }
                    "for" => element.forwarded_for = Some(Node::read(&value)?),
                    "by" => element.by = Some(Node::read(&value)?),
                    "host" => element.host = Some(value),
                    "proto" => element.proto = Some(value),
                    _ => {}
                }
                names.push(name);
                self.skip_white_space();
            }
            if !self.skips(';') {
                return Ok((!names.is_empty()).then_some(element));
            }
        }
    }

    /// A token or a quoted string (RFC 9110 §5.6.2, §5.6.4).
    fn value(&mut self) -> Result<String, Malformed> {
        if !self.skips('"') {
            return self.token().map(str::to_owned).ok_or(Malformed);
        }
        let (mut value, mut letters) = (String::new(), self.0.chars());
        loop {
            match letters.next().ok_or(Malformed)? {
                '"' => break,
                '\\' => value.push(letters.next().ok_or(Malformed)?),
                letter => value.push(letter),
            }
        }
        self.0 = letters.as_str();
        Ok(value)
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token =
            |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let end = self
            .0
            .find(|letter| !is_token(letter))
            .unwrap_or(self.0.len());
        let (token, behind) = self.0.split_at_checked(end)?;
        self.0 = behind;
        (!token.is_empty()).then_some(token)
    }

    fn skips(&mut self, letter: char) -> bool {
        let behind = self.0.strip_prefix(letter);
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }

    fn skip_white_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
