//! The servers that are held against each other.

mod floor;
mod hello;
mod issuer;
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
    /// None to be measured: the issuer's keys, for those that fetch them.
    Issuer,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Hello => "hello",
            Self::Issuer => "issuer",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Ours, Self::Floor, Self::Hello, Self::Issuer]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no server {name}: it is ours, floor, hello or issuer"))
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
        Kind::Issuer => issuer::router(&folder, address, arguments.tls()?)?,
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
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("--address {address}: {error}"))?;
    let tls = arguments.tls()?;
    println!("{} listens at {address}", kind.name());
    if kind != Kind::Issuer {
        let (folder, pid) = (folder.path().display(), std::process::id());
        let (scheme, binding) = (if tls { "https" } else { "http" }, arguments.binding()?);
        // Proofs name the URL that clients know, and theirs is never without TLS (FAPI 2.0 Security Profile §5.2.1).
        println!(
            "load drive --folder {folder} --url {scheme}://{address}/hello --htu https://{address}/hello --binding {binding} \
             --server-pid {pid}"
        );
    }
    if tls {
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
        Kind::Floor | Kind::Hello | Kind::Issuer => axum::serve(listener, router).await?,
    }
    Ok(())
}
