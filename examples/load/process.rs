//! What the system knows of processes: their processor time, their memory, and where they run.

use std::{
    fs, io,
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How many ticks of `/proc/PID/stat` make a second: Linux says 100 to every program.
const TICKS: f64 = 100.0;

/// Processor time of a process so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    pub user: f64,
    pub system: f64,
}

impl CpuTime {
    /// `None` where there is no `/proc`, or no such process.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name of the program may hold anything, so that fields are counted from behind it.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace().skip(11);
        let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS);
        Some(Self {
            user: seconds()?,
            system: seconds()?,
        })
    }

    pub fn since(self, before: Self) -> Self {
        Self {
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }

    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

/// What all processes took so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine {
    /// In processes and in the kernel on their behalf.
    pub busy: f64,
    /// Taken by the hypervisor.
    pub steal: f64,
}

impl Machine {
    /// `None` where there is no `/proc`.
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let fields = stat.lines().next()?.split_ascii_whitespace().skip(1);
        let seconds: Vec<f64> = fields
            .map_while(|field| Some(field.parse::<f64>().ok()? / TICKS))
            .collect();
        // user, nice, system, idle, iowait, irq, softirq, steal
        Some(Self {
            busy: seconds.iter().take(3).sum(),
            steal: *seconds.get(7)?,
        })
    }
}

/// Processor time of everybody, so far or of a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    pub own: Option<CpuTime>,
    pub server: Option<CpuTime>,
    pub machine: Option<Machine>,
}

impl Taken {
    pub fn now(server: Option<u32>) -> Self {
        Self {
            own: CpuTime::of(std::process::id()),
            server: server.and_then(CpuTime::of),
            machine: Machine::now(),
        }
    }

    pub fn since(self, before: &Self) -> Self {
        let cpu = |after: Option<CpuTime>, before: Option<CpuTime>| Some(after?.since(before?));
        let machine = |after: Machine, before: Machine| Machine {
            busy: after.busy - before.busy,
            steal: after.steal - before.steal,
        };
        Self {
            own: cpu(self.own, before.own),
            server: cpu(self.server, before.server),
            machine: self
                .machine
                .zip(before.machine)
                .map(|(after, before)| machine(after, before)),
        }
    }
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Lets this process run on these cores only; whether it does, which needs `taskset`.
pub fn pin_self(cores: &str) -> bool {
    let pid = std::process::id().to_string();
    Command::new("taskset")
        .args(["-acp", cores, &pid])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A server of ours or of others, which ends with its owner.
pub struct Running(Child);

impl Running {
    /// Starts the command on these cores only, if `taskset` is installed.
    pub fn start(command: &[String], cores: &str) -> io::Result<Self> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| io::Error::other("there is no command to start"))?;
        let pinned = Command::new("taskset")
            .args(["-c", cores])
            .args(command)
            .stdout(Stdio::null())
            .spawn();
        let child = match pinned {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Command::new(program)
                .args(arguments)
                .stdout(Stdio::null())
                .spawn(),
            spawned => spawned,
        };
        let named = |error| io::Error::other(format!("{program}: {error}"));
        child.map(Self).map_err(named)
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until somebody listens there.
    pub fn wait_for(&mut self, address: SocketAddr) -> io::Result<()> {
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.0.try_wait()? {
                let text = format!(
                    "it ended before it listened at {address}: {status}. What it wrote to stderr stands above; \
                     --server-cores are cores this machine has?"
                );
                return Err(io::Error::other(text));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = format!("it does not listen at {address}, which {{address}} stands for");
        Err(io::Error::other(text))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
