//! Servers in turn, several rounds.

use std::{net::SocketAddr, net::TcpListener, sync::Arc};

use tokio::runtime;

use crate::{
    Outcome,
    arguments::Arguments,
    connection::Target,
    drive::{Load, Measured, drive},
    folder::{AUDIENCE, Folder, ISSUER},
    material::Material,
    process::{Running, pin_self},
    report,
    servers::Kind,
};

/// A server that takes part.
struct Entrant {
    label: String,
    /// Words in which `{address}` and others are still to be filled in.
    command: Vec<String>,
    scheme: &'static str,
    /// The scheme in proofs.
    htu_scheme: String,
}

pub fn compare(arguments: &Arguments) -> Outcome {
    let folder = Folder::temporary()?;
    let folder = folder.folder();
    let entrants = entrants(arguments)?;
    let mut rounds: Vec<(String, Vec<Measured>)> = entrants
        .iter()
        .map(|entrant| (entrant.label.clone(), Vec::new()))
        .collect();
    for round in 0..arguments.number("rounds", 3)? {
        println!("\nround {}", round + 1);
        report::heading();
        for (entrant, (label, results)) in entrants.iter().zip(&mut rounds) {
            let measured = entrant.run(arguments, folder)?;
            report::row(label, &measured);
            if let Some(path) = arguments.text("json") {
                report::append(path, label, &measured)?;
            }
            results.push(measured);
        }
    }
    report::ratios(&rounds);
    Ok(())
}

/// One run against a server that is there.
pub fn drive_one(arguments: &Arguments) -> Outcome {
    let folder = Folder::of(arguments)?;
    let url = arguments.text("url").ok_or("--url is missing")?;
    let pid = arguments.number("server-pid", 0)?;
    let pid = u32::try_from(pid).ok().filter(|pid| *pid != 0);
    let htu = arguments.text("htu").unwrap_or(url);
    let measured = measure(arguments, &folder, url, htu, pid)?;
    report::heading();
    report::row(url, &measured);
    if let Some(path) = arguments.text("json") {
        report::append(path, url, &measured)?;
    }
    Ok(())
}

fn entrants(arguments: &Arguments) -> Outcome<Vec<Entrant>> {
    let names = arguments.text("servers").unwrap_or("floor,ours");
    let mut entrants = names
        .split(',')
        .map(|name| Entrant::own(name.parse()?, arguments))
        .collect::<Outcome<Vec<_>>>()?;
    for also in arguments.all("also") {
        let (label, command) = also.split_once('=').ok_or("--also LABEL=COMMAND")?;
        entrants.push(Entrant {
            label: label.to_owned(),
            command: command.split_whitespace().map(str::to_owned).collect(),
            scheme: "http",
            htu_scheme: arguments.text("also-htu").unwrap_or("http").to_owned(),
        });
    }
    Ok(entrants)
}

impl Entrant {
    fn own(kind: Kind, arguments: &Arguments) -> Outcome<Self> {
        let program = std::env::current_exe()?.display().to_string();
        let words = [
            "serve",
            kind.name(),
            "--folder",
            "{folder}",
            "--address",
            "{address}",
        ];
        let mut command = vec![program];
        command.extend(words.map(str::to_owned));
        let tls = arguments.tls()?;
        if tls {
            command.push("--tls".to_owned());
        }
        for name in ["algorithm", "capacity", "token-cache"] {
            if let Some(value) = arguments.text(name) {
                command.extend([format!("--{name}"), value.to_owned()]);
            }
        }
        Ok(Self {
            label: kind.name().to_owned(),
            command,
            scheme: if tls { "https" } else { "http" },
            htu_scheme: "https".to_owned(),
        })
    }

    fn run(&self, arguments: &Arguments, folder: &Folder) -> Outcome<Measured> {
        let address = free_address()?;
        let command: Vec<String> = self
            .command
            .iter()
            .map(|word| {
                word.replace("{address}", &address.to_string())
                    .replace("{folder}", &folder.path().display().to_string())
                    .replace("{issuer}", ISSUER)
                    .replace("{audience}", AUDIENCE)
            })
            .collect();
        folder.first_client(arguments.algorithm()?)?;
        let cores = arguments.text("server-cores").unwrap_or("0");
        let mut server = Running::start(&command, cores)?;
        server.wait_for(address)?;
        let url = format!("{}://{address}/hello", self.scheme);
        let htu = format!("{}://{address}/hello", self.htu_scheme);
        measure(arguments, folder, &url, &htu, Some(server.pid()))
    }
}

fn measure(
    arguments: &Arguments,
    folder: &Folder,
    url: &str,
    htu: &str,
    server: Option<u32>,
) -> Outcome<Measured> {
    let load = Load {
        connections: arguments.number("connections", 32)?,
        streams: arguments.number("streams", 1)?,
        warm_up: arguments.seconds("warm-up", 2)?,
        duration: arguments.seconds("seconds", 6)?,
    };
    // Everything is made on all cores, and sent from one.
    let last = std::thread::available_parallelism().map_or(1, usize::from) - 1;
    pin_self(&format!("0-{}", last.max(63)));
    let material = Arc::new(Material::prepare(arguments, folder, htu)?);
    pin_self(arguments.text("own-cores").unwrap_or("1"));
    println!("  {}", material.describe());
    let target = Target::new(url, arguments.http2()?, folder)?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(drive(target, material, load, server))
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
