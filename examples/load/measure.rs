//! One run against one server.

use std::sync::Once;

use serde_json::{Value, json};
use tokio::runtime;

use crate::{
    Outcome,
    arguments::{Arguments, Binding},
    drive::{Load, drive},
    folder::Folder,
    material::{Material, Wanted},
    measured::Measured,
    process::pin_self,
    target::Target,
};

/// What is sent, and where.
pub struct Way {
    pub url: String,
    /// The URL in proofs.
    pub htu: String,
    pub binding: Binding,
    pub http2: bool,
    pub clients: usize,
    /// The server remembers no proofs.
    pub reuse: bool,
    pub pid: Option<u32>,
}

impl Way {
    pub fn measure(
        &self,
        arguments: &Arguments,
        folder: Option<&Folder>,
    ) -> Outcome<(String, Measured)> {
        let load = Load {
            connections: arguments.connections()?,
            streams: arguments.streams(self.http2)?,
            warm_up: arguments.seconds("warm-up", 2)?,
            duration: arguments.seconds("seconds", 6)?,
        };
        let target = Target::new(&self.url, self.http2, arguments, folder)?;
        let wanted = Wanted {
            binding: self.binding,
            method: arguments.text("method").unwrap_or("GET"),
            htu: &self.htu,
            clients: self.clients,
            reuse: self.reuse,
        };
        // Everything is made on all cores, and sent from one.
        pin_self("0-1023");
        let material = Material::prepare(arguments, folder, &wanted)?;
        pin(arguments.text("own-cores").unwrap_or("1"));
        let described = material.describe();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let measured = runtime.block_on(drive(target, material, load, self.pid))?;
        Ok((described, measured))
    }

    /// For a line of JSON.
    pub fn describe(&self, arguments: &Arguments) -> Outcome<Value> {
        Ok(json!({
            "url": self.url,
            "binding": self.binding.to_string(),
            "http": if self.http2 { 2 } else { 1 },
            "tls": self.url.starts_with("https:"),
            "algorithm": arguments.text("algorithm").unwrap_or("ES256"),
            "clients": self.clients,
            "token_for_each_request": arguments.token_each()?,
            "connections": arguments.connections()?,
            "streams": arguments.streams(self.http2)?,
        }))
    }
}

fn pin(cores: &str) {
    static SAID: Once = Once::new();
    if !pin_self(cores) {
        SAID.call_once(|| {
            eprintln!(
                "the generator is not kept on core {cores}, so that it may take from the server's: `taskset` is not \
                 installed, or the machine has no such core (--own-cores)"
            );
        });
    }
}
