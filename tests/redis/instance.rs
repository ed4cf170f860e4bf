//! An instance of the API in a process of its own: this very program, started once more.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio, exit},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tower_fapi::{jose::JwkSet, testing::TestIssuer};

use crate::{
    api::{self, Secrets},
    server::patient,
};

const SETTINGS: &str = "TOWER_FAPI_TEST_INSTANCE";

/// Ends with the test.
pub struct Instance {
    child: Child,
    pub address: SocketAddr,
    /// Kept open: the other process ends when it cannot write that it has been running for long.
    _output: BufReader<ChildStdout>,
}

impl Instance {
    pub fn start(redis: &str, issuer: &TestIssuer, secrets: Option<&[u8]>) -> Self {
        let settings = json!({"redis": redis, "jwks": issuer.jwks(), "secrets": secrets});
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "instance::serves_where_it_is_told_to",
                "--nocapture",
            ])
            .env(SETTINGS, settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = output.by_ref().lines().find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("listening on ")?.1.parse().unwrap())
        });
        let address = address.expect("it says where it listens");
        Self {
            child,
            address,
            _output: output,
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Not a test: what the other process does. Without settings there is nothing to do.
#[test]
fn serves_where_it_is_told_to() {
    let Ok(settings) = env::var(SETTINGS) else {
        return;
    };
    // Whatever becomes of the test that started this, it does not stay behind.
    std::thread::spawn(|| {
        io::stdin().read_to_end(&mut Vec::new()).ok();
        exit(0);
    });
    let settings: Value = serde_json::from_str(&settings).unwrap();
    let keys = JwkSet::from_value(&settings["jwks"]).unwrap();
    let store = patient(settings["redis"].as_str().unwrap())
        .build()
        .unwrap();
    let secrets: Option<Secrets> = serde_json::from_value(settings["secrets"].clone()).unwrap();
    let nonces = secrets.map(|secrets| api::nonces(&secrets, Duration::from_secs(60)));
    let mut builder = api::resource_server(&keys, store);
    if let Some(nonces) = &nonces {
        builder = builder.nonces(Arc::clone(nonces));
    }
    let router = api::router(builder.build().unwrap(), nonces);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening on {}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}
