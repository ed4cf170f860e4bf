//! The servers that are held against each other.

mod floor;
mod hello;
mod ours;

use std::str::FromStr;

use axum::Router;
use tokio::{net::TcpListener, runtime};
use tower_fapi::tls::{ClientCertificates, Server, ServerIdentity, ServerTls};

use crate::{Outcome, arguments::Arguments, folder::Folder};

/// A server of this program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An API behind the layer of this crate.
    Ours,
    /// One ES256 verification with a key at hand, and nothing else: what no server can do without.
    Floor,
    /// Not even that.
    Hello,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Hello => "hello",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Ours, Self::Floor, Self::Hello]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no server {name}"))
    }
}

/// Serves until the process is killed.
pub fn serve(kind: Kind, arguments: &Arguments) -> Outcome {
    let folder = Folder::of(arguments)?;
    let address = arguments.text("address").unwrap_or("127.0.0.1:3000");
    let router = match kind {
        Kind::Ours => ours::router(arguments, &folder)?,
        Kind::Floor => floor::router(arguments, &folder)?,
        Kind::Hello => hello::router(),
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(listen(kind, address, router, arguments, &folder))
}

async fn listen(
    kind: Kind,
    address: &str,
    router: Router,
    arguments: &Arguments,
    folder: &Folder,
) -> Outcome {
    let listener = TcpListener::bind(address).await?;
    println!("{} listens at {address}", kind.name());
    if arguments.tls()? {
        let identity = ServerIdentity::from_pem_files(
            folder.file("server.pem"),
            folder.file("server-key.pem"),
        )?;
        let tls = ServerTls::new(&identity, &ClientCertificates::AnyRequested)?;
        Server::https(tls).serve(listener, router).await;
        return Ok(());
    }
    match kind {
        Kind::Ours => Server::plain_http().serve(listener, router).await,
        // As anybody would write it without this crate.
        Kind::Floor | Kind::Hello => axum::serve(listener, router).await?,
    }
    Ok(())
}
