//! Tokens and proofs, made before the clock starts.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use bytes::Bytes;
use http::HeaderValue;
use tower_fapi::{
    dpop::NewProof,
    time::{Clock, SystemClock},
};

use crate::{
    Outcome,
    arguments::{Arguments, Binding},
    clients::Client,
    folder::Folder,
    tokens::Tokens,
};

/// What is to be made.
pub struct Wanted<'a> {
    pub binding: Binding,
    pub method: &'a str,
    /// The URL in proofs.
    pub htu: &'a str,
    pub clients: usize,
    /// Sends from the first again when all are used up.
    pub reuse: bool,
}

/// What the requests of one run carry.
pub struct Material {
    binding: Binding,
    clients: Vec<Client>,
    /// `Authorization` of every request, or of every client.
    authorizations: Vec<HeaderValue>,
    /// `DPoP` of every request.
    proofs: Vec<HeaderValue>,
    /// Of proofs, or of tokens if every request has another: how many there are for whoever counts in `used`.
    limit: Option<usize>,
    /// Requests so far: of all clients, or of each if each has connections of its own.
    used: Vec<AtomicUsize>,
    /// How long it took to make all this: so old is the oldest proof.
    seconds: f64,
}

/// What a request carries.
pub struct Carried<'a> {
    pub authorization: Option<&'a HeaderValue>,
    pub proof: Option<&'a HeaderValue>,
}

impl Material {
    pub fn prepare(
        arguments: &Arguments,
        folder: Option<&Folder>,
        wanted: &Wanted<'_>,
    ) -> Outcome<Self> {
        let start = Instant::now();
        let count = arguments.at_least_one("proofs", 250_000)?;
        let (clients, tokens, each) = if let Some(path) = arguments.text("token") {
            let token = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            let client = Client::given(arguments, wanted.binding)?;
            (vec![client], vec![token.trim().to_owned()], false)
        } else if wanted.binding == Binding::None {
            (Vec::new(), Vec::new(), false)
        } else {
            let folder = folder.ok_or(
                "--folder is missing: `load prepare --folder DIR` makes keys; or give --token FILE",
            )?;
            let clients = Client::make(arguments, folder, wanted.binding, wanted.clients)?;
            let each = arguments.token_each()?;
            let several = if each { count } else { clients.len() };
            let issuer = Tokens::new(arguments, folder)?;
            let tokens = parallel(several, |number| {
                issuer.of(&clients[number % clients.len()], number)
            })?;
            (clients, tokens, each)
        };
        let proofs = match wanted.binding {
            Binding::Mtls | Binding::Bearer | Binding::None => Vec::new(),
            Binding::Dpop => parallel(count, |number| {
                let client = &clients[number % clients.len()];
                proof(client, &tokens[number % tokens.len()], wanted)
            })?,
        };
        let scheme = match wanted.binding {
            Binding::Dpop => "DPoP",
            Binding::Mtls | Binding::Bearer | Binding::None => "Bearer",
        };
        let authorizations = tokens
            .iter()
            .map(|token| value(format!("{scheme} {token}")));
        let (counters, limit) = match wanted.binding {
            Binding::Dpop => (1, Some(count)),
            Binding::Mtls => (clients.len(), each.then_some(count / clients.len())),
            Binding::Bearer | Binding::None => (1, each.then_some(count)),
        };
        Ok(Self {
            binding: wanted.binding,
            authorizations: authorizations.collect::<Outcome<_>>()?,
            clients,
            proofs,
            limit: limit.filter(|_| !wanted.reuse),
            used: (0..counters).map(|_| AtomicUsize::new(0)).collect(),
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What the next request carries; nothing once all is used up. With certificates, a request goes over a connection of
    /// its client.
    pub fn next(&self, connection: usize) -> Option<Carried<'_>> {
        let client = connection % self.used.len();
        let number = self.used[client].fetch_add(1, Ordering::Relaxed);
        if self.limit.is_some_and(|limit| number >= limit) {
            return None;
        }
        let at = |values: &'_ [HeaderValue], number: usize| match values.len() {
            0 => None,
            length => Some(number % length),
        };
        let number = match self.binding {
            Binding::Mtls => client + number * self.clients.len(),
            Binding::Dpop | Binding::Bearer | Binding::None => number,
        };
        Some(Carried {
            authorization: at(&self.authorizations, number).map(|at| &self.authorizations[at]),
            proof: at(&self.proofs, number).map(|at| &self.proofs[at]),
        })
    }

    /// The client whose connection this is.
    pub fn client(&self, connection: usize) -> Option<&Client> {
        self.clients
            .get(connection.checked_rem(self.clients.len())?)
    }

    /// In words, for the report.
    pub fn describe(&self) -> String {
        let bytes = |values: &[HeaderValue]| values.first().map_or(0, HeaderValue::len);
        let scheme = match self.binding {
            Binding::Dpop => "DPoP ".len(),
            Binding::Mtls | Binding::Bearer | Binding::None => "Bearer ".len(),
        };
        format!(
            "{} client(s), {} token(s) of {} bytes, {} proof(s) of {} bytes, made in {:.1} s",
            self.clients.len(),
            self.authorizations.len(),
            bytes(&self.authorizations).saturating_sub(scheme),
            self.proofs.len(),
            bytes(&self.proofs),
            self.seconds
        )
    }
}

fn proof(client: &Client, token: &str, wanted: &Wanted<'_>) -> Outcome<HeaderValue> {
    let signer = client.signer.as_ref().ok_or("a client without key")?;
    value(signer.sign(&NewProof {
        method: wanted.method,
        url: wanted.htu,
        access_token: Some(token),
        nonce: None,
        now: SystemClock.now(),
    })?)
}

fn value(text: String) -> Outcome<HeaderValue> {
    Ok(HeaderValue::from_maybe_shared(Bytes::from(text))?)
}

/// So many of something, made on all cores.
pub fn parallel<T: Send>(
    count: usize,
    make: impl Fn(usize) -> Outcome<T> + Sync,
) -> Outcome<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(threads).max(1);
    let make = &make;
    thread::scope(|scope| {
        let spawned: Vec<_> = (0..count)
            .step_by(share)
            .map(|first| {
                let last = (first + share).min(count);
                scope.spawn(move || (first..last).map(make).collect::<Outcome<Vec<T>>>())
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for thread in spawned {
            all.append(&mut thread.join().map_err(|_| "making proofs failed")??);
        }
        Ok(all)
    })
}
