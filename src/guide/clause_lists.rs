//! Every clause that the tables have to have a row for, by specification, as the pages number them.

/// The heading of a table, and its rows.
pub(super) type Clauses = &'static [(&'static str, &'static [&'static str])];

/// What concerns resource servers.
#[rustfmt::skip]
pub(super) const RESOURCE_SERVER: Clauses = &[
    ("FAPI 2.0 Security Profile", &[
        "5.2.1 no. 1", "5.2.1 no. 2", "5.2.1 no. 3", "5.2.1 no. 4", "5.2.1 no. 5", "5.2.2 no. 1", "5.2.2 no. 2", "5.2.3",
        "5.3.2.1 no. 13", "5.3.4 no. 1", "5.3.4 no. 2", "5.3.4 no. 3", "5.3.4 no. 3 revocation", "5.3.4 no. 4", "5.3.4 no. 5", "5.4.1 no. 1.1",
        "5.4.1 no. 1.2", "5.4.1 no. 1.3", "5.4.1 no. 2", "5.4.1 no. 3", "5.4.1 no. 4", "5.4.2 no. 1", "5.4.2 no. 2",
        "5.4.2 no. 3", "5.4.3",
    ]),
    ("FAPI 2.0 Message Signing", &["5", "5.3, 5.4", "5.5.2 no. 1", "5.5.2 no. 2", "5.6"]),
    ("FAPI 2.0 HTTP Signatures", &["draft"]),
    ("FAPI 1.0 Part 1: Baseline", &[
        "6.2.1 no. 1", "6.2.1 no. 2", "6.2.1 no. 3", "6.2.1 no. 4", "6.2.1 no. 5", "6.2.1 no. 6", "6.2.1 no. 7", "6.2.1 no. 8",
        "6.2.1 no. 9", "6.2.1 no. 10", "6.2.1 no. 11", "6.2.1 no. 12", "6.2.1 no. 13", "6.2.1 CORS", "7.1 no. 1", "7.1 no. 2",
    ]),
    ("FAPI 1.0 Part 2: Advanced", &[
        "6.2.1 no. 1", "6.2.1 no. 2", "8.2", "8.5 no. 1", "8.6 no. 1", "8.6 no. 2", "8.6 no. 3", "8.6.1 no. 1", "8.9 no. 1", "8.11",
    ]),
    ("RFC 9449: DPoP", &[
        "4.3 no. 1", "4.3 no. 2", "4.3 no. 3", "4.3 no. 4", "4.3 no. 5", "4.3 no. 6", "4.3 no. 7", "4.3 no. 8", "4.3 no. 9",
        "4.3 no. 10", "4.3 no. 11", "4.3 no. 12", "4.3 htu", "6", "6.1", "6.2", "7", "7.1 checks", "7.1 scheme", "7.1 challenge",
        "7.2 bearer", "7.2 challenges", "8 caches", "8.1", "8.2", "9", "11.1 replay", "11.1 window", "11.1 memory", "11.2",
        "11.5", "11.6",
    ]),
    ("RFC 8705: mutual TLS", &["3 certificate", "3 mismatch", "3.1", "3.2", "6.2", "6.5"]),
    ("RFC 9068: JWT access tokens", &[
        "2.1", "2.2", "4 typ", "4 encryption", "4 iss", "4 aud", "4 signature", "4 exp", "4 errors", "4 scope",
    ]),
    ("RFC 8725: JWT best practices", &[
        "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12",
    ]),
    ("RFC 9701: introspection answers as JWT", &["4", "5 typ", "5 claims", "5 active", "5 nested", "8.1"]),
    ("RFC 9470: step-up authentication", &["3", "3 context", "3 age", "6.1", "6.2"]),
    ("RFC 9396: rich authorization requests", &["9", "9.1", "9.2", "10"]),
    ("RFC 9728: protected resource metadata", &["2", "2.2", "3", "3.1", "3.2", "5.1"]),
    ("RFC 6750: bearer tokens", &[
        "2", "2.1", "2.2", "2.3", "3", "3 grammar", "3.1 codes", "3.1 no credentials", "5.2",
    ]),
];

/// What concerns authorization servers.
#[rustfmt::skip]
pub(super) const AUTHORIZATION_SERVER: Clauses = &[
    ("FAPI 2.0 Security Profile", &[
        "5.2.1 no. 1", "5.2.1 no. 2", "5.2.1 no. 3", "5.2.1 no. 4", "5.2.1 no. 5", "5.2.2 no. 1", "5.2.2 no. 2", "5.2.2.1",
        "5.2.3 no. 1", "5.2.3 no. 2", "5.2.3 no. 3", "5.3.2.1 no. 1", "5.3.2.1 no. 2", "5.3.2.1 no. 3", "5.3.2.1 no. 4",
        "5.3.2.1 no. 5", "5.3.2.1 no. 6", "5.3.2.1 no. 7", "5.3.2.1 no. 8", "5.3.2.1 no. 9", "5.3.2.1 no. 10", "5.3.2.1 no. 11",
        "5.3.2.1 no. 12", "5.3.2.1 no. 13", "5.3.2.1 no. 14", "5.3.2.2 no. 1", "5.3.2.2 no. 2", "5.3.2.2 no. 3",
        "5.3.2.2 no. 4", "5.3.2.2 no. 5", "5.3.2.2 no. 6", "5.3.2.2 no. 7", "5.3.2.2 no. 8", "5.3.2.2 no. 9", "5.3.2.2 no. 10",
        "5.3.2.2 no. 11", "5.3.2.2 no. 12", "5.3.2.2 no. 13", "5.3.2.2 no. 14", "5.3.2.2 Note 3", "5.3.2.2 Note 4", "5.3.2.3",
        "5.4.1 no. 1.1", "5.4.1 no. 1.2", "5.4.1 no. 1.3", "5.4.1 no. 2", "5.4.1 no. 3", "5.4.1 no. 4", "5.4.2 no. 1",
        "5.4.2 no. 2", "5.4.2 no. 3", "5.4.3",
    ]),
    ("FAPI 2.0 Message Signing", &[
        "5.3.1 no. 1", "5.3.1 no. 2", "5.3.1 no. 3", "5.3.1 no. 4", "5.3.1 no. 5", "5.3.3", "5.4.1 no. 1", "5.4.1 Note",
        "5.5.1 no. 1", "5.6.1", "6.2",
    ]),
    ("FAPI 1.0 Part 1: Baseline", &[
        "5.2.2 no. 1", "5.2.2 no. 2", "5.2.2 no. 3", "5.2.2 no. 4", "5.2.2 no. 5", "5.2.2 no. 6", "5.2.2 no. 7", "5.2.2 no. 8",
        "5.2.2 no. 9", "5.2.2 no. 10", "5.2.2 no. 11", "5.2.2 no. 12", "5.2.2 no. 13", "5.2.2 no. 14", "5.2.2 no. 15",
        "5.2.2 no. 16", "5.2.2 no. 17", "5.2.2 no. 18", "5.2.2 no. 19", "5.2.2 no. 20", "5.2.2 no. 21", "5.2.2 no. 22",
        "5.2.2.1", "5.2.2.2", "5.2.2.3", "7.5 no. 1", "7.5 no. 2",
    ]),
    ("FAPI 1.0 Part 2: Advanced", &[
        "5.2.2 no. 1", "5.2.2 no. 2", "5.2.2 no. 5", "5.2.2 no. 6", "5.2.2 no. 10", "5.2.2 no. 11", "5.2.2 no. 13",
        "5.2.2 no. 14", "5.2.2 no. 15", "5.2.2 no. 16", "5.2.2 no. 17", "5.2.2 no. 18", "5.2.2.1 no. 1", "5.2.2.1 no. 2",
        "5.2.2.1 no. 3", "5.2.2.1 no. 4", "5.2.2.1 no. 5", "5.2.2.1 no. 6", "5.2.2.2 no. 1", "8.6 no. 1", "8.6 no. 2",
        "8.6 no. 3", "8.6.1 no. 1",
    ]),
    ("RFC 9126: pushed authorization requests", &[
        "2 request", "2 authentication", "2 audience", "2.1 step 1", "2.1 step 2", "2.1 step 3", "2.2 response", "2.2 random",
        "2.2 client", "2.2 lifetime", "2.3", "2.4", "3 object", "3 client", "4 once", "4 expiry", "4 parameters", "4 demand",
        "5", "6", "7.1", "7.2", "7.3", "7.4", "7.5",
    ]),
    ("RFC 9101: JWT-secured authorization requests", &[
        "4 claims", "4 nested", "4 parties", "5", "5.1", "5.2", "6.1", "6.2", "6.3", "7", "10.1", "10.2", "10.3", "10.4",
        "10.5", "10.7", "10.8",
    ]),
    ("RFC 9207: issuer identification", &[
        "2 success", "2 error", "2 value", "2.4", "3",
    ]),
    ("JARM: JWT-secured authorization responses", &[
        "2.1 claims", "2.1 parameters", "2.2", "2.3.1", "2.3.2", "2.3.3", "2.3.4", "3", "4",
    ]),
    ("RFC 9449: DPoP", &[
        "4.3", "5 proof", "5 binding", "5 refresh", "5.1", "5.2", "6.2", "8 challenge", "8 caches", "8.1", "8.2", "9", "10",
        "10.1 header", "10.1 both", "11.1",
    ]),
    ("RFC 8705: mutual TLS", &[
        "2", "2.1", "2.1.1", "2.1.2", "2.2", "2.2.2", "3", "3.1", "3.2", "3.3", "3.4", "5", "6.1", "6.3", "6.5", "7.1", "7.2",
        "7.3", "7.4", "7.5",
    ]),
    ("RFC 7636: PKCE", &[
        "4.1", "4.4", "4.4.1", "4.6",
    ]),
    ("RFC 9396: rich authorization requests", &[
        "2", "2.2", "3", "3.1", "3.2", "5", "6", "6.1", "7", "7.1", "8", "9.1", "9.2", "10 server", "10 client",
    ]),
    ("RFC 8707: resource indicators", &[
        "2", "2.1", "2.2",
    ]),
    ("RFC 9068: JWT access tokens", &[
        "2.1", "2.2", "2.2.1", "2.2.3", "3 audience", "5 subject", "6 encryption",
    ]),
    ("RFC 7662: introspection", &[
        "2.1 authorization", "2.1 request", "2.2 active", "2.2 inactive", "2.3", "4 checks",
    ]),
    ("RFC 9701: introspection answers as JWT", &[
        "3", "4", "5 typ", "5 claims", "5 inactive", "5 scope", "5 nested", "5 caller", "6", "7",
    ]),
    ("RFC 7009: revocation", &[
        "2", "2.1 client", "2.1 at once", "2.1 grant", "2.1 hint", "2.2", "2.2.1", "2.3",
    ]),
    ("RFC 8414: metadata", &[
        "2", "2 issuer", "2 algorithms", "2.1", "3", "3.2", "3.2 empty", "5",
    ]),
    ("OpenID Connect Core", &[
        "2", "2 signing", "2 encryption", "3.1.2.1 methods", "3.1.2.1 prompt", "3.1.2.1 `max_age`", "3.1.2.1 `acr_values`",
        "3.1.2.1 `login_hint`", "3.1.2.1 `id_token_hint`", "3.1.2.1 others", "3.1.2.2", "3.1.2.3", "3.1.2.4", "3.1.2.5",
        "3.1.2.6", "3.1.3.2", "3.1.3.3", "3.1.3.4", "3.1.3.6", "5.3", "5.3 CORS", "5.3.1", "5.3.3", "5.4", "5.5", "5.5 values",
        "9", "10.1.1, 10.2.1", "11", "12",
    ]),
    ("OpenID Connect RP-Initiated Logout", &[
        "2 methods", "2 hint", "2 question", "2 end", "2 notice", "2.1", "3", "3 state", "4",
    ]),
    ("RFC 9700: security best practice", &[
        "2.1 redirect", "2.1 open redirectors", "2.1 mix-up", "2.1 credentials", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3",
        "2.4", "2.5", "2.6", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11.2", "4.12", "4.13",
        "4.14 refresh", "4.14 inactivity", "4.15", "4.16", "4.17",
    ]),
    ("FAPI 2.0 Attacker Model", &[
        "A1 web", "A1a server", "A2 network", "A3a front channel", "A5 token endpoint", "A7 resource requests",
    ]),
    ("The ten points of FAPI 2.0", &[
        "strong client authentication", "code flow with PKCE", "sender-constrained tokens", "pushed authorization requests",
        "signed requests", "short-lived codes and tokens", "strict redirect URIs", "integrity of ID tokens",
        "flows that are not allowed", "second factor, revocation, sessions and logout",
    ]),
];
