//! An `nginx` of one test's own. Knows nothing of this crate: whatever listens in plain HTTP can stand behind it.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

/// What one nginx serves: https on a loopback port, for one server behind it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The server's own certificate and its key, as PEM.
    pub certificate: String,
    pub key: String,
    /// The path that is passed on, with a slash at its end: `/open-banking/`.
    pub location: &'static str,
    /// Where to, with the path that takes its place: `http://127.0.0.1:3000/v1/`, `http://unix:/run/api.sock:/v1/`.
    pub pass_to: String,
    /// Authorities that issue the certificates of clients, as PEM; others are let in as well, but not as verified.
    pub client_authorities: Option<String>,
    /// Headers that nginx sets, with nginx's variables. Empty ones it leaves out.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// A running nginx, which ends with this value.
#[derive(Debug)]
pub struct Nginx {
    pub address: SocketAddr,
    directory: PathBuf,
    child: Child,
}

impl Nginx {
    /// Starts one. `None` if there is no program to start, which is told.
    pub fn start(site: &Site) -> Option<Self> {
        if !available() {
            return None;
        }
        // Somebody else may take the port before nginx does.
        let started = (0..5).find_map(|_| Self::start_at(site, free_address()));
        Some(started.expect("nginx starts"))
    }

    /// Starts one on this port; `None` if it does not start.
    pub fn start_at(site: &Site, address: SocketAddr) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nginx-{}-{count}", std::process::id());
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let configuration = site.configuration(&directory, address);
        fs::write(directory.join("nginx.conf"), configuration).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&directory)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut nginx = Self {
            address,
            directory,
            child,
        };
        if answers(address, &mut nginx.child) {
            return Some(nginx);
        }
        let log = fs::read_to_string(nginx.directory.join("error.log"));
        eprintln!("nginx has ended: {}", log.unwrap_or_default());
        None
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Site {
    fn configuration(&self, directory: &Path, address: SocketAddr) -> String {
        let write = |name: &str, content: &str| fs::write(directory.join(name), content).unwrap();
        write("server.pem", &self.certificate);
        write("server-key.pem", &self.key);
        let mut clients = String::new();
        if let Some(authorities) = &self.client_authorities {
            write("clients.pem", authorities);
            clients.push_str("ssl_client_certificate clients.pem;");
        }
        let mut headers = String::new();
        for (name, value) in &self.headers {
            writeln!(headers, "proxy_set_header {name} {value};").unwrap();
        }
        let (location, pass_to) = (self.location, &self.pass_to);
        // One process, so that to kill it is to end it.
        format!(
            "daemon off;
            master_process off;
            pid nginx.pid;
            error_log error.log warn;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path body;
                proxy_temp_path proxy;
                fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi;
                scgi_temp_path scgi;
                large_client_header_buffers 4 32k;
                server {{
                    listen {address} ssl;
                    ssl_certificate server.pem;
                    ssl_certificate_key server-key.pem;
                    ssl_protocols TLSv1.2 TLSv1.3;
                    {clients}
                    ssl_verify_client optional_no_ca;
                    location {location} {{
                        proxy_pass {pass_to};
                        proxy_http_version 1.1;
                        {headers}
                    }}
                }}
            }}"
        )
    }
}

fn answers(address: SocketAddr, child: &mut Child) -> bool {
    for _ in 0..500 {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn available() -> bool {
    let found = found();
    if !found {
        eprintln!("skipped: nginx is not on the path");
    }
    found
}

/// Whether there is a program to start, and with `TOWER_FAPI_CI=1` a failure if there is none.
pub fn found() -> bool {
    let found = Command::new("nginx")
        .arg("-v")
        .stderr(Stdio::null())
        .status()
        .is_ok();
    let needed = env::var("TOWER_FAPI_CI").is_ok_and(|value| value == "1");
    assert!(found || !needed, "nginx is not on the path");
    found
}
