//! What is enforced, told when the server starts.

use std::fmt::Write as _;

use toml::Spanned;
use tower_fapi::{dpop::ProofPolicy, jose::JwsAlgorithm, replay::MemoryReplayStore};

use super::{
    file::{
        BindingName, Dpop, File, Introspection, Issuer, Listen, Proxies, Route, Texts, TokensName,
        UrlHeaders,
    },
    once::NONCE_LIFETIME,
    verdict::{PROOF_AGE, PROOF_AHEAD},
};

/// A few lines, one for each thing that is enforced.
pub(super) fn of(file: &File) -> String {
    let mut lines = Lines(String::new());
    lines.add("connections", connections(file.listen.get_ref()));
    lines.add(
        "URL",
        file.public_url.as_ref().map_or_else(
            || "https, and host and path as the request says".to_owned(),
            |url| format!("{} in front of the path", url.get_ref()),
        ),
    );
    if let Some(hosts) = &file.hosts {
        lines.add("hosts", list(hosts, ", "));
    }
    if let Some(prefix) = &file.internal_prefix {
        lines.add(
            "prefix",
            format!("{} is taken off the path", prefix.get_ref()),
        );
    }
    if let Some(section) = &file.proxies {
        lines.add("proxies", proxies(section.get_ref()));
    }
    for audience in file.audiences.get_ref() {
        lines.add("audience", audience.get_ref());
    }
    for entry in file.issuer.get_ref() {
        lines.add("issuer", issuer(entry));
    }
    let binding = file.binding.as_ref().map(Spanned::get_ref);
    lines.add(
        "binding",
        match binding.unwrap_or(&BindingName::Either) {
            BindingName::Either => "by DPoP or by certificate, as the token says; none: refused",
            BindingName::Dpop => "by DPoP; anything else: refused",
            BindingName::Certificate => "by certificate; anything else: refused",
        },
    );
    lines.add("proofs", proofs(&file.dpop));
    lines.add("each once", replay(file));
    for entry in file.route.get_ref() {
        lines.add("route", route(entry));
    }
    lines.add("elsewhere", "404, for those with a token that is accepted");
    lines.0
}

struct Lines(String);

impl Lines {
    fn add(&mut self, what: &str, text: impl AsRef<str>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "  {what:<12} {}", text.as_ref());
    }
}

fn connections(listen: &Listen) -> &'static str {
    if listen.is_plain() {
        "plain http, without client certificates"
    } else if !listen.asks_clients() {
        "TLS 1.3 or 1.2; client certificates are not asked for"
    } else if listen.client_authorities.is_some() {
        "TLS 1.3 or 1.2; client certificates of the given authorities are taken, none is demanded"
    } else {
        "TLS 1.3 or 1.2; any client certificate is taken, none is demanded"
    }
}

fn proxies(section: &Proxies) -> String {
    let certificate = match (&section.certificate, &section.certificate_header) {
        (None, _) => "no client certificates",
        (Some(_), None) => "client certificates",
        (Some(_), Some(name)) => &format!("client certificates in {}", name.get_ref()),
    };
    let url = match section.url.as_ref().map(Spanned::get_ref) {
        None => "",
        Some(UrlHeaders::Forwarded) => ", and the URL in Forwarded",
        Some(_) => ", and the URL in X-Forwarded-*",
    };
    let networks = list(&section.networks, ", ");
    format!("those at {networks} pass on {certificate}{url}")
}

fn issuer(entry: &Issuer) -> String {
    let keys = match (&entry.jwks_file, &entry.jwks_uri) {
        (Some(file), _) => format!("keys in {}", file.get_ref().display()),
        (None, Some(uri)) => format!("keys from {}", uri.get_ref()),
        (None, None) => "keys from where its metadata says".to_owned(),
    };
    let algorithms = algorithms(entry.algorithms.as_ref(), &JwsAlgorithm::ALL);
    let compatibility = entry.compatibility();
    let mut differences = String::new();
    if compatibility.accepts_plain_jwt_type() {
        differences.push_str("; typ JWT is taken, too");
    }
    if let Some(claim) = compatibility.accepts_client_in() {
        let _ = write!(differences, "; the client may stand in {}", claim.as_str());
    }
    if compatibility.accepts_scope_array() {
        differences.push_str("; scope may be an array");
    }
    if compatibility.accepts_scope_in_scp() {
        differences.push_str("; scope may stand in scp");
    }
    if let Some(asking) = &entry.introspection {
        differences.push_str(introspection(asking.get_ref()));
    }
    let issuer = entry.issuer.get_ref();
    format!("{issuer}, {keys}; {algorithms}{differences}")
}

fn introspection(asking: &Introspection) -> &'static str {
    match asking.tokens.as_ref().map(Spanned::get_ref) {
        None | Some(TokensName::All) => "; it is asked about every token",
        Some(TokensName::Opaque) => "; it is asked about opaque tokens",
        Some(TokensName::Jwts) => "; it is asked whether its JWTs are still active",
    }
}

fn proofs(dpop: &Dpop) -> String {
    let or = |value: &Option<Spanned<u64>>, default| {
        value.as_ref().map_or(default, |value| *value.get_ref())
    };
    let algorithms = algorithms(dpop.algorithms.as_ref(), &ProofPolicy::default().algorithms);
    let nonces = if dpop.nonces.as_ref().is_some_and(|on| *on.get_ref()) {
        let lifetime = or(&dpop.nonce_seconds, NONCE_LIFETIME);
        let shared = dpop.nonce_secrets.is_some();
        let whose = if shared { " of any instance" } else { "" };
        format!("a nonce{whose}, at most {lifetime} s old, is demanded")
    } else {
        "no nonce is demanded".to_owned()
    };
    format!(
        "{algorithms}; {} s old at most, {} s ahead at most; {nonces}",
        or(&dpop.proof_age_seconds, PROOF_AGE),
        or(&dpop.proof_ahead_seconds, PROOF_AHEAD),
    )
}

fn replay(file: &File) -> String {
    if file.replay.is_some() {
        // Not the URL, in which a password may stand.
        return "recorded in Redis, for all instances that share it".to_owned();
    }
    let capacity = file.dpop.replay_capacity.as_ref();
    let capacity = capacity.map_or(MemoryReplayStore::DEFAULT_CAPACITY, |it| *it.get_ref());
    format!("recorded in this process; {capacity} at a time")
}

fn route(entry: &Route) -> String {
    let mut text = format!("{} {}", list(&entry.methods, ", "), entry.path.get_ref());
    let mut demands = Vec::new();
    if let Some(all) = &entry.scopes_all {
        demands.push(list(all, " and "));
    }
    if let Some(any) = &entry.scopes_any {
        demands.push(list(any, " or "));
    }
    if demands.is_empty() {
        text.push_str(", whatever the scope");
    } else {
        let _ = write!(text, ", with scope {}", demands.join("; and "));
    }
    if let Some(values) = &entry.acr_values {
        let _ = write!(text, ", signed in as {}", list(values, " or "));
    }
    if let Some(seconds) = &entry.max_age_seconds {
        let _ = write!(text, ", signed in {} s ago at most", seconds.get_ref());
    }
    if let Some(kind) = &entry.authorization_details_type {
        let _ = write!(
            text,
            ", with authorization details of type {}",
            kind.get_ref()
        );
    }
    text
}

fn list(texts: &Texts, between: &str) -> String {
    let texts = texts.get_ref().iter().map(|text| text.get_ref().as_str());
    texts.collect::<Vec<_>>().join(between)
}

fn algorithms(given: Option<&Texts>, default: &[JwsAlgorithm]) -> String {
    given.map_or_else(
        || {
            let names = default.iter().map(|algorithm| algorithm.as_str());
            names.collect::<Vec<_>>().join(", ")
        },
        |given| list(given, ", "),
    )
}
