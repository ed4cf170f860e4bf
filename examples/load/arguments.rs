//! What is asked for on the command line.

use std::{path::PathBuf, time::Duration};

use tower_fapi::jose::JwsAlgorithm;

use crate::servers::Kind;

pub const HELP: &str = "\
load [compare]      starts servers of its own in turn, drives each, and prints medians and ratios to the first
load prepare        makes a folder with the issuer's keys and certificates, for servers that are started by hand
load serve KIND     ours | floor | hello, with the keys of that folder
load drive          drives a server that is running already

  --folder DIR          the folder; one of compare's own unless given
  --servers LIST        for compare: floor,ours unless given. The first is what the others are divided by
  --also LABEL=COMMAND  for compare: another server, started by a command in which {address}, {folder}, {issuer} and
                        {audience} are filled in; it listens for plain HTTP/1.1 and reads {folder}/jwks.json
  --also-htu http       the scheme such a server expects in proofs: http unless given
  --rounds N            for compare: 3
  --url URL             for drive
  --htu URL             for drive: what proofs name, if it is not the URL
  --server-pid PID      for drive: whose processor time and memory are read
  --address ADDR        for serve: 127.0.0.1:3000

  --binding NAME        dpop (default) | mtls | bearer | none
  --http 1|2            1
  --tls                 over TLS; always with mtls
  --algorithm NAME      of proofs and tokens: ES256 (default), PS256, EdDSA
  --clients K           client keys: 1
  --tokens each         another token in every request, instead of one a client
  --token-bytes N       900
  --proofs N            made beforehand; drive stops when they are used up: 250000
  --connections N       32
  --streams N           requests in flight on each, with HTTP/2: 1
  --warm-up S           2
  --seconds S           6
  --server-cores LIST   for taskset, where there is one: 0
  --own-cores LIST      1
  --capacity N          for ours: what the replay store holds, 5000000
  --token-cache BYTES   for ours
  --json FILE           appends a line of JSON for every run";

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

type Mistake = String;

const FLAGS: [&str; 1] = ["tls"];

impl Arguments {
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, Mistake> {
        let mut words = words.peekable();
        let command = match words.next_if(|word| !word.starts_with('-')).as_deref() {
            None | Some("compare") => Command::Compare,
            Some("prepare") => Command::Prepare,
            Some("drive") => Command::Drive,
            Some("serve") => {
                let kind = words.next().ok_or("serve what: ours, floor or hello?")?;
                Command::Serve(kind.parse()?)
            }
            Some(other) => return Err(format!("there is no command {other}")),
        };
        let mut arguments = Self {
            command,
            options: Vec::new(),
        };
        while let Some(word) = words.next() {
            let name = word.trim_start_matches('-').to_owned();
            if name == "help" {
                arguments.command = Command::Help;
                return Ok(arguments);
            }
            if !HELP.contains(&format!("--{name} ")) {
                return Err(format!("there is no option {word}"));
            }
            let value = if FLAGS.contains(&name.as_str()) {
                String::new()
            } else {
                words.next().ok_or(format!("{word} needs a value"))?
            };
            arguments.options.push((name, value));
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

    pub fn number(&self, name: &str, usual: usize) -> Result<usize, Mistake> {
        let Some(text) = self.text(name) else {
            return Ok(usual);
        };
        let number = text.replace('_', "").parse();
        number.map_err(|_| format!("--{name} {text}: not a number"))
    }

    pub fn seconds(&self, name: &str, usual: usize) -> Result<Duration, Mistake> {
        let seconds = self.number(name, usual)?;
        Ok(Duration::from_secs(seconds as u64))
    }

    pub fn folder(&self) -> Result<PathBuf, Mistake> {
        let folder = self
            .text("folder")
            .ok_or("--folder is missing: make one with `load prepare --folder DIR`")?;
        Ok(folder.into())
    }

    pub fn binding(&self) -> Result<Binding, Mistake> {
        match self.text("binding") {
            None | Some("dpop") => Ok(Binding::Dpop),
            Some("mtls") => Ok(Binding::Mtls),
            Some("bearer") => Ok(Binding::Bearer),
            Some("none") => Ok(Binding::None),
            Some(other) => Err(format!("there is no binding {other}")),
        }
    }

    pub fn tls(&self) -> Result<bool, Mistake> {
        Ok(self.text("tls").is_some() || self.binding()? == Binding::Mtls)
    }

    pub fn http2(&self) -> Result<bool, Mistake> {
        match self.text("http") {
            None | Some("1") => Ok(false),
            Some("2") => Ok(true),
            Some(other) => Err(format!("--http {other}: it is 1 or 2")),
        }
    }

    pub fn algorithm(&self) -> Result<JwsAlgorithm, Mistake> {
        match self.text("algorithm") {
            None | Some("ES256") => Ok(JwsAlgorithm::Es256),
            Some("PS256") => Ok(JwsAlgorithm::Ps256),
            Some("EdDSA") => Ok(JwsAlgorithm::EdDsa),
            Some(other) => Err(format!("there is no algorithm {other}")),
        }
    }

    pub fn token_each(&self) -> Result<bool, Mistake> {
        match self.text("tokens") {
            None => Ok(false),
            Some("each") => Ok(true),
            Some(other) => Err(format!("--tokens {other}: it is each, or nothing")),
        }
    }
}
