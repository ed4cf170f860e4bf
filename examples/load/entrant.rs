//! Servers that take part: how they are started, and what they are sent.

use std::net::{SocketAddr, TcpListener};

use crate::{
    Outcome,
    arguments::{Also, Arguments, Binding},
    folder::Folder,
    measure::Way,
    measured::Measured,
    process::Running,
    servers::Kind,
};

/// A server that is started for every run anew.
pub struct Entrant {
    pub label: String,
    /// Words in which `{address}` and others are still to be filled in, as in the URLs.
    command: Vec<String>,
    url: String,
    htu: String,
    binding: Binding,
    http2: bool,
    clients: usize,
    reuse: bool,
}

impl Entrant {
    /// Those that are asked for.
    pub fn all(arguments: &Arguments) -> Outcome<Vec<Self>> {
        let usual = match arguments.binding()? {
            Binding::Dpop => "floor,ours",
            Binding::Mtls | Binding::Bearer | Binding::None => "hello,ours",
        };
        let names = arguments.text("servers").unwrap_or(usual).split(',');
        let names = names.filter(|name| !name.is_empty());
        let mut entrants = names
            .map(|name| Self::own(name.parse()?, arguments))
            .collect::<Outcome<Vec<_>>>()?;
        for also in arguments.alsos()? {
            entrants.push(Self::other(&also, arguments)?);
        }
        Ok(entrants)
    }

    fn own(kind: Kind, arguments: &Arguments) -> Outcome<Self> {
        let binding = arguments.binding()?;
        match kind {
            Kind::Issuer => return Err("an issuer is not what is measured".into()),
            Kind::Floor if binding != Binding::Dpop => {
                let text =
                    "the floor verifies proofs: with another --binding, --servers hello,ours";
                return Err(text.into());
            }
            Kind::Ours if binding == Binding::None => {
                let text =
                    "ours lets nothing pass without a token: --servers hello, or another --binding";
                return Err(text.into());
            }
            Kind::Ours | Kind::Floor | Kind::Hello => {}
        }
        let program = std::env::current_exe()?.display().to_string();
        let words = ["serve", kind.name(), "--folder", "{folder}"];
        let mut command = vec![program];
        command.extend(words.map(str::to_owned));
        command.extend(["--address", "{address}"].map(str::to_owned));
        let tls = arguments.tls()?;
        if tls {
            command.push("--tls".to_owned());
        }
        for name in [
            "binding",
            "algorithm",
            "capacity",
            "token-cache",
            "key-cache",
        ] {
            if let Some(value) = arguments.text(name) {
                command.extend([format!("--{name}"), value.to_owned()]);
            }
        }
        let scheme = if tls { "https" } else { "http" };
        Ok(Self {
            label: kind.name().to_owned(),
            command,
            url: format!("{scheme}://{{address}}/hello"),
            htu: "https://{address}/hello".to_owned(),
            binding,
            http2: arguments.http2()?,
            clients: match kind {
                Kind::Floor => 1,
                Kind::Ours | Kind::Hello | Kind::Issuer => arguments.at_least_one("clients", 1)?,
            },
            reuse: kind == Kind::Hello || arguments.given("reuse"),
        })
    }

    fn other(also: &Also<'_>, arguments: &Arguments) -> Outcome<Self> {
        let url = also.url.unwrap_or("http://{address}/hello");
        Ok(Self {
            label: also.label.to_owned(),
            command: also.command.split_whitespace().map(str::to_owned).collect(),
            url: url.to_owned(),
            htu: also.htu.unwrap_or(url).to_owned(),
            binding: match also.binding {
                Some(binding) => binding,
                None => arguments.binding()?,
            },
            http2: match also.http2 {
                Some(http2) => http2,
                None => arguments.http2()?,
            },
            clients: arguments.at_least_one("clients", 1)?,
            reuse: arguments.given("reuse"),
        })
    }

    /// Whether it wants to fetch the issuer's keys.
    pub fn fetches_keys(&self) -> bool {
        self.command.iter().any(|word| word.contains("{jwks_uri}"))
    }

    pub fn run(
        &self,
        arguments: &Arguments,
        folder: &Folder,
        jwks_uri: &str,
    ) -> Outcome<(Way, String, Measured)> {
        let address = free_address()?;
        let fill = |text: &String| {
            text.replace("{address}", &address.to_string())
                .replace("{folder}", &folder.path().display().to_string())
                .replace("{issuer}", &folder.issuer)
                .replace("{audience}", &folder.audience)
                .replace("{jwks_uri}", jwks_uri)
        };
        let command: Vec<String> = self.command.iter().map(fill).collect();
        let cores = arguments.text("server-cores").unwrap_or("0");
        let mut server = Running::start(&command, cores)?;
        server.wait_for(address)?;
        let way = Way {
            url: fill(&self.url),
            htu: fill(&self.htu),
            binding: self.binding,
            http2: self.http2,
            clients: self.clients,
            reuse: self.reuse,
            pid: Some(server.pid()),
        };
        let (described, measured) = way.measure(arguments, Some(folder))?;
        Ok((way, described, measured))
    }
}

/// A server of this program that publishes the issuer's keys, and where it does.
pub fn publish_keys(arguments: &Arguments, folder: &Folder) -> Outcome<(Running, String)> {
    let address = free_address()?;
    let program = std::env::current_exe()?.display().to_string();
    let path = folder.path().display().to_string();
    let place = address.to_string();
    let words = ["serve", "issuer", "--folder", &path, "--address", &place];
    let mut command = vec![program];
    command.extend(words.map(str::to_owned));
    let cores = arguments.text("own-cores").unwrap_or("1");
    let mut issuer = Running::start(&command, cores)?;
    issuer.wait_for(address)?;
    Ok((issuer, format!("http://{address}/jwks.json")))
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
