//! The authorization server and the resource servers, on loopback sockets over TLS, and what a script has to know of them.

use std::{env, fs, path::PathBuf, process, sync::Arc, time::Duration};

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_fapi::{
    dpop::{NonceSecret, Nonces},
    issuer::{Discovery, Introspection, IssuerKeys},
    jose::jwe::DecryptionKeys,
    resource_server::{ResourceMetadata, ResourceServer, TrustedIssuer},
    tls::{ClientCertificates, Server, ServerTls},
};

use crate::{
    api::{TWO_FACTORS, routes},
    authority::Authority,
    bank::{People, authorization_server},
    registrations::{CALLBACK, CALLBACK_WITH_QUERY, Inquirer, Registrations, SIGNED_OUT},
};

pub struct World {
    /// For the standard input of a script.
    pub input: Value,
    root: RootFile,
}

impl World {
    /// Starts everything. With `nonces` nobody gets through without one, at the authorization server and at the APIs.
    pub async fn start(nonces: bool) -> Self {
        crate::emitted::watch();
        let authority = Authority::new();
        let Registrations { clients, private } = Registrations::new(&authority);
        let (front, issuer) = bind().await;
        let (mutual, mtls) = bind().await;
        let (apis, api) = bind().await;
        let asking = Inquirer::new("asking", format!("{api}/asking"), false);
        let sealed = Inquirer::new("sealed-api", format!("{api}/sealed"), true);

        let people = People::new();
        let router = authorization_server(&issuer, &mtls, &people, &authority)
            .audience(format!("{api}/plain"))
            .resource(asking.registration())
            .resource(sealed.registration())
            .clients(clients)
            .dpop_nonces(nonces)
            .build()
            .unwrap()
            .router();
        let anybody = ClientCertificates::NotRequested;
        serve(front, &authority, &anybody, router.clone());
        serve(
            mutual,
            &authority,
            &ClientCertificates::AnyRequested,
            router,
        );

        let keys = Discovery::new(issuer.parse().unwrap()).fetcher(authority.fetcher());
        let shop = Shop {
            keys: keys.connect().await.unwrap(),
            issuer,
            api,
            authority,
            nonces,
        };
        let router = Router::new()
            .merge(shop.open("/plain", None))
            .merge(shop.open("/asking", Some(&asking)))
            .merge(shop.open("/sealed", Some(&sealed)));
        serve(
            apis,
            &shop.authority,
            &ClientCertificates::AnyRequested,
            router,
        );
        let Shop {
            issuer,
            api,
            authority,
            ..
        } = shop;
        Self {
            input: json!({
                "issuer": issuer,
                "mtls": mtls,
                "api": api,
                "callback": CALLBACK,
                "callback_with_query": CALLBACK_WITH_QUERY,
                "signed_out": SIGNED_OUT,
                "ca": authority.pem(),
                "people": people.private(),
                "two_factors": TWO_FACTORS,
                "clients": private,
                "inquirers": {
                    asking.id: asking.private(),
                    sealed.id: sealed.private(),
                },
                "stranger": authority.client("stranger").both(),
            }),
            root: RootFile::write(&authority.pem()),
        }
    }

    /// The file with the certificate of the authority, for `NODE_EXTRA_CA_CERTS`.
    pub fn root(&self) -> &PathBuf {
        &self.root.0
    }
}

/// What the resource servers have in common.
struct Shop {
    issuer: String,
    keys: IssuerKeys,
    api: String,
    authority: Authority,
    nonces: bool,
}

impl Shop {
    /// A resource server at this path, which asks about every token if it has a name to ask with.
    fn open(&self, path: &str, inquirer: Option<&Inquirer>) -> Router {
        let issuer = TrustedIssuer::new(&self.issuer, self.keys.clone());
        let issuer = match inquirer {
            Some(inquirer) => issuer.introspect(self.introspection(inquirer)),
            None => issuer,
        };
        let metadata = ResourceMetadata::new().scopes(["accounts", "payments"]);
        let mut builder =
            ResourceServer::builder(format!("{}{path}", self.api), issuer).metadata(metadata);
        if self.nonces {
            let secret = NonceSecret::generate().unwrap();
            let nonces = Nonces::new(&secret, Duration::from_secs(300)).unwrap();
            builder = builder.nonces(Arc::new(nonces));
        }
        if let Some(key) = inquirer.and_then(Inquirer::decryption_key) {
            let keys = DecryptionKeys::new([key]);
            builder = builder.decryption_keys(keys).require_encryption();
        }
        routes(path, builder.build().unwrap())
    }

    fn introspection(&self, inquirer: &Inquirer) -> Introspection {
        let asking = Introspection::private_key_jwt(inquirer.id, inquirer.signing_key())
            .roots(self.authority.roots())
            .remember_active_for(Duration::ZERO);
        match inquirer.decryption_key() {
            Some(key) => asking.encrypted_answers(DecryptionKeys::new([key])),
            None => asking.signed_answers(),
        }
    }
}

pub async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    (listener, url)
}

pub fn serve(
    listener: TcpListener,
    authority: &Authority,
    clients: &ClientCertificates,
    router: Router,
) {
    let tls = ServerTls::new(&authority.server().identity(), clients).unwrap();
    tokio::spawn(Server::https(tls).serve(listener, router));
}

/// A file that goes when the world ends. It holds a certificate and nothing secret.
pub struct RootFile(pub PathBuf);

impl RootFile {
    pub fn write(pem: &str) -> Self {
        let name = format!(
            "tower-fapi-interop-{}-{}.pem",
            process::id(),
            uuid::Uuid::new_v4()
        );
        let path = env::temp_dir().join(name);
        fs::write(&path, pem).unwrap();
        Self(path)
    }
}

impl Drop for RootFile {
    fn drop(&mut self) {
        // It is in nobody's way if it stays.
        drop(fs::remove_file(&self.0));
    }
}
