//! A `redis-server` of one test's own.

use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redis::Value;
use tower_fapi::{
    replay::{RedisReplayStore, RedisReplayStoreBuilder},
    time::{Clock as _, SystemClock, Timestamp},
};

/// A server on loopback with a directory of its own, which ends with the test.
pub struct RedisServer {
    port: u16,
    pub directory: PathBuf,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk. `None` if there is no program to start.
    pub fn start(more: &[&str]) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if !available() {
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redis-{}-{count}", std::process::id());
        // The path of a Unix socket may have a hundred characters.
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let mut server = Self {
            port: free_port(),
            directory,
            arguments: more.iter().map(|&text| text.to_owned()).collect(),
            child: None,
        };
        server.run();
        Some(server)
    }

    /// Starts it again, on the same port.
    pub fn run(&mut self) {
        let mut command = Command::new("redis-server");
        let defaults = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        command
            .args(defaults)
            .arg("--port")
            .arg(self.port.to_string());
        command.arg("--unixsocket").arg(self.socket());
        command
            .arg("--dir")
            .arg(&self.directory)
            .args(&self.arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.unwrap());
        for _ in 0..500 {
            if std::os::unix::net::UnixStream::connect(self.socket()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not start: {:?}", self.arguments);
    }

    /// Ends it at once, with all that it knows.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        fs::remove_file(self.socket()).ok();
    }

    /// Makes it stop reading and answering, as a machine does that hangs; or go on.
    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.unwrap().success());
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("s")
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn store(&self) -> RedisReplayStore {
        RedisReplayStore::new(&self.url()).unwrap()
    }

    /// A store for records of any lifetime: it does not mind that the server was started a moment ago.
    pub fn store_of_anything(address: &str) -> RedisReplayStore {
        let builder = patient(address).proof_lifetime(Duration::ZERO);
        builder.unwrap().build().unwrap()
    }

    /// A store for tests in which nothing is slow but perhaps the machine that runs them.
    pub fn patient_store(&self) -> RedisReplayStore {
        patient(&self.url()).build().unwrap()
    }

    /// Runs a command beside the store.
    pub async fn command(&self, words: &[&str]) -> Value {
        let client = redis::Client::open(format!("unix://{}", self.socket().display())).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    pub async fn keys(&self) -> Vec<String> {
        let keys = self.command(&["KEYS", "*"]).await;
        redis::from_redis_value(keys).unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.directory).ok();
    }
}

pub fn patient(address: &str) -> RedisReplayStoreBuilder {
    let builder = RedisReplayStore::builder(address).unwrap();
    builder
        .response_time_limit(Duration::from_secs(10))
        .unwrap()
}

/// The present second of the real clock, which Redis has, too.
pub fn now() -> Timestamp {
    SystemClock.now()
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn available() -> bool {
    let found = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    let needed = env::var("TOWER_FAPI_CI").is_ok_and(|value| value == "1");
    assert!(found || !needed, "redis-server is not on the path");
    if !found {
        eprintln!("skipped: redis-server is not on the path");
    }
    found
}
