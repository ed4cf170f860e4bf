//! What is asked for on the command line.

use std::{fmt, time::Duration};

use tower_fapi::jose::JwsAlgorithm;

use crate::servers::Kind;

pub const HELP: &str = include_str!("help.txt");

pub enum Command {
    Help,
    Compare,
    Prepare,
    Serve(Kind),
    Drive,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    Dpop,
    Mtls,
    Bearer,
    None,
}

pub struct Arguments {
    pub command: Command,
    options: Vec<(String, String)>,
}

/// A server of somebody else, which takes part.
#[derive(Default)]
pub struct Also<'a> {
    pub label: &'a str,
    pub command: &'a str,
    pub url: Option<&'a str>,
    pub htu: Option<&'a str>,
    pub binding: Option<Binding>,
    pub http2: Option<bool>,
}

type Mistake = String;

const FLAGS: [&str; 2] = ["tls", "reuse"];

impl Arguments {
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, Mistake> {
        let mut words = words.peekable();
        let command = match words.next_if(|word| !word.starts_with('-')).as_deref() {
            None | Some("compare") => Command::Compare,
            Some("prepare") => Command::Prepare,
            Some("drive") => Command::Drive,
            Some("help") => Command::Help,
            Some("serve") => {
                let kind = words.next_if(|word| !word.starts_with('-'));
                let kind = kind.ok_or("serve what: ours, floor, hello or issuer?")?;
                Command::Serve(kind.parse()?)
            }
            Some(other) => return Err(format!("there is no command {other}")),
        };
        let mut arguments = Self {
            command,
            options: Vec::new(),
        };
        while let Some(word) = words.next() {
            if ["--help", "-h"].contains(&word.as_str()) {
                arguments.command = Command::Help;
                return Ok(arguments);
            }
            let Some(name) = word
                .strip_prefix("--")
                .filter(|name| HELP.contains(&format!("  --{name} ")))
            else {
                return Err(format!("there is no option {word}"));
            };
            let value = if FLAGS.contains(&name) {
                String::new()
            } else {
                words.next().ok_or(format!("{word} needs a value"))?
            };
            arguments.options.push((name.to_owned(), value));
        }
        Ok(arguments)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.options
            .iter()
            .filter(move |(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last()
    }

    pub fn given(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    pub fn number(&self, name: &str, usual: usize) -> Result<usize, Mistake> {
        let Some(text) = self.text(name) else {
            return Ok(usual);
        };
        let number = text.replace('_', "").parse();
        number.map_err(|_| format!("--{name} {text}: not a whole number"))
    }

    pub fn at_least_one(&self, name: &str, usual: usize) -> Result<usize, Mistake> {
        match self.number(name, usual)? {
            0 => Err(format!("--{name} 0: at least one is needed")),
            number => Ok(number),
        }
    }

    pub fn seconds(&self, name: &str, usual: u64) -> Result<Duration, Mistake> {
        let Some(text) = self.text(name) else {
            return Ok(Duration::from_secs(usual));
        };
        text.parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or(format!("--{name} {text}: not a number of seconds"))
    }

    pub fn binding(&self) -> Result<Binding, Mistake> {
        binding(self.text("binding").unwrap_or("dpop"))
    }

    pub fn tls(&self) -> Result<bool, Mistake> {
        Ok(self.given("tls") || self.binding()? == Binding::Mtls)
    }

    pub fn http2(&self) -> Result<bool, Mistake> {
        http2(self.text("http").unwrap_or("1"))
    }

    pub fn algorithm(&self, option: &str) -> Result<JwsAlgorithm, Mistake> {
        let name = self.text(option).unwrap_or("ES256");
        let algorithm = name.parse();
        algorithm.map_err(|error| format!("--{option} {name}: {error}"))
    }

    pub fn token_each(&self) -> Result<bool, Mistake> {
        match self.text("tokens") {
            None => Ok(false),
            Some("each") => Ok(true),
            Some(other) => Err(format!("--tokens {other}: it is each, or left out")),
        }
    }

    pub fn connections(&self) -> Result<usize, Mistake> {
        self.at_least_one("connections", 32)
    }

    /// Finds mistakes that would otherwise be found only once a server runs.
    pub fn check(&self) -> Result<(), Mistake> {
        self.algorithm("algorithm")?;
        self.token_each()?;
        self.at_least_one("proofs", 1)?;
        self.number("token-bytes", 1)?;
        self.seconds("warm-up", 1)?;
        if self.seconds("seconds", 1)?.is_zero() {
            return Err("--seconds 0: nothing would be measured".to_owned());
        }
        let http2 = self.http2()? || self.alsos()?.iter().any(|also| also.http2 == Some(true));
        if self.streams(true)? > 1 && !http2 {
            let mistake = "--streams: an HTTP/1.1 connection has one request in flight; --http 2?";
            return Err(mistake.to_owned());
        }
        let (clients, connections) = (self.at_least_one("clients", 1)?, self.connections()?);
        if self.binding()? == Binding::Mtls && clients > connections {
            return Err(format!(
                "--clients {clients}: a connection has one certificate, so --connections {clients} at least"
            ));
        }
        Ok(())
    }

    /// Requests in flight on a connection.
    pub fn streams(&self, http2: bool) -> Result<usize, Mistake> {
        if http2 {
            self.at_least_one("streams", 1)
        } else {
            Ok(1)
        }
    }

    /// The servers of others, each with what is said of it behind.
    pub fn alsos(&self) -> Result<Vec<Also<'_>>, Mistake> {
        let mut alsos = Vec::new();
        for (name, value) in &self.options {
            if name == "also" {
                let split = value.split_once('=');
                let (label, command) =
                    split.ok_or(format!("--also {value}: it is LABEL=COMMAND"))?;
                alsos.push(Also {
                    label,
                    command,
                    ..Also::default()
                });
                continue;
            }
            let Some(of_it) = name.strip_prefix("also-") else {
                continue;
            };
            let also = alsos
                .last_mut()
                .ok_or(format!("--{name} has to stand behind the --also it is of"))?;
            match of_it {
                "url" => also.url = Some(value),
                "htu" => also.htu = Some(value),
                "binding" => also.binding = Some(binding(value)?),
                "http" => also.http2 = Some(http2(value)?),
                _ => return Err(format!("there is no option --{name}")),
            }
        }
        Ok(alsos)
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpop => "dpop",
            Self::Mtls => "mtls",
            Self::Bearer => "bearer",
            Self::None => "none",
        })
    }
}

fn binding(name: &str) -> Result<Binding, Mistake> {
    [Binding::Dpop, Binding::Mtls, Binding::Bearer, Binding::None]
        .into_iter()
        .find(|binding| binding.to_string() == name)
        .ok_or(format!(
            "there is no binding {name}: it is dpop, mtls, bearer or none"
        ))
}

fn http2(version: &str) -> Result<bool, Mistake> {
    match version {
        "1" => Ok(false),
        "2" => Ok(true),
        other => Err(format!("HTTP/{other}: it is 1 or 2")),
    }
}
