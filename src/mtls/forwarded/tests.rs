//! Each way of writing a certificate: what is written is read, and nothing else is.

use std::{slice::from_ref, sync::LazyLock};

use proptest::prelude::*;

use super::*;

fn made(name: &str) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    made.cert.der().to_vec()
}

static LEAF: LazyLock<Vec<u8>> = LazyLock::new(|| made("leaf"));
static UPPER: LazyLock<Vec<u8>> = LazyLock::new(|| made("upper"));

fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn hash(der: &[u8]) -> String {
    hex(CertificateThumbprint::of_der(der).as_bytes())
}

/// The whole value as each proxy writes it, if it can write this chain.
fn written(form: Form, chain: &[Vec<u8>]) -> Vec<(HeaderName, String)> {
    let list = |write: fn(&[u8]) -> String, chain: &[Vec<u8>]| {
        chain.iter().map(|der| write(der)).collect::<Vec<_>>()
    };
    let sequence: fn(&[u8]) -> String = |der| format!(":{}:", pem::encode_base64(der));
    match form {
        Form::Rfc9440 => {
            let mut fields = vec![(rfc9440::CLIENT_CERT, sequence(&chain[0]))];
            if chain.len() > 1 {
                let more = list(sequence, &chain[1..]).join(", ");
                fields.push((rfc9440::CLIENT_CERT_CHAIN, more));
            }
            fields
        }
        Form::Envoy => {
            let escape = |chain: &[Vec<u8>]| percent::encode(pem::encode(chain).as_bytes(), "");
            let value = format!(
                r#"By=spiffe://a/b;Hash={};Cert="{}";Chain="{}";Subject="CN=\"a\",O=b;c\\";URI=https://a/?b=c;DNS="#,
                hash(&chain[0]),
                escape(&chain[..1]),
                escape(chain)
            );
            vec![(envoy::X_FORWARDED_CLIENT_CERT, value)]
        }
        Form::EscapedPem => {
            let value = percent::encode(pem::encode(&chain[..1]).as_bytes(), "");
            vec![(name("x-cert"), value)]
        }
        Form::Base64Der => vec![(name("x-cert"), pem::encode_base64(&chain[0]))],
        Form::Traefik => {
            let value = list(pem::encode_base64, chain).join(",");
            vec![(traefik::X_FORWARDED_TLS_CLIENT_CERT, value)]
        }
        Form::Alb => {
            let value = percent::encode(pem::encode(chain).as_bytes(), "+=/");
            vec![(alb::X_AMZN_MTLS_CLIENTCERT, value)]
        }
    }
}

fn all() -> [CertificateHeader; 6] {
    [
        CertificateHeader::rfc9440(),
        CertificateHeader::envoy(),
        CertificateHeader::escaped_pem(name("x-cert")),
        CertificateHeader::base64_der(name("x-cert")),
        CertificateHeader::traefik(),
        CertificateHeader::aws_alb(),
    ]
}

fn headers(fields: &[(HeaderName, String)]) -> HeaderMap {
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect()
}

fn read(header: &CertificateHeader, value: &str) -> Result<Option<CertificateThumbprint>, Flaw> {
    let headers = headers(&[(header.name().clone(), value.to_owned())]);
    let read = header.read(&headers).map_err(|error| error.flaw())?;
    Ok(read.map(|certificate| certificate.thumbprint()))
}

#[test]
fn each_proxy_is_understood() {
    let thumbprint = CertificateThumbprint::of_der(&LEAF);
    for header in all() {
        let fields = written(header.form, &[LEAF.clone(), UPPER.clone()]);
        let read = header.read(&headers(&fields)).unwrap().unwrap();
        assert_eq!(read.thumbprint(), thumbprint, "{header:?}");
        let certificate = read.certificate().unwrap();
        assert_eq!(certificate.leaf(), *LEAF, "{header:?}");
        let chain = certificate.intermediates().len();
        let leaf_alone = matches!(header.form, Form::EscapedPem | Form::Base64Der);
        assert_eq!(chain, usize::from(!leaf_alone), "{header:?}");
        assert!(header.read(&HeaderMap::new()).unwrap().is_none());
        for (name, _) in fields {
            assert!(header.writes(&name), "{header:?}");
        }
    }
    // As nginx's ingress controller and an old Traefik write it.
    let value = percent::encode(pem::encode_base64(&LEAF).as_bytes(), "");
    let traefik = CertificateHeader::traefik();
    assert_eq!(read(&traefik, &value), Ok(Some(thumbprint)));
    let value = percent::encode(pem::encode(from_ref(&LEAF)).as_bytes(), "+=/");
    let leaf = CertificateHeader::aws_alb_leaf();
    assert_eq!(read(&leaf, &value), Ok(Some(thumbprint)));
}

#[test]
fn two_headers_are_refused_whichever_comes_first() {
    let empty = |header: &CertificateHeader| (header.name().clone(), String::new());
    for header in all() {
        let fields = written(header.form, from_ref(&LEAF));
        let other = written(header.form, from_ref(&UPPER));
        for fields in [
            [&fields[..], &fields].concat(),
            [&fields[..], &other].concat(),
            [&[empty(&header)][..], &fields].concat(),
            [&fields[..], &[empty(&header)]].concat(),
        ] {
            let error = header.read(&headers(&fields)).unwrap_err();
            assert_eq!(error.flaw(), Flaw::Several(2), "{header:?}");
            assert_eq!(error.header(), header.name());
        }
    }
}

#[test]
fn nothing_is_a_certificate_but_a_certificate() {
    let long = "A".repeat(MAX_BYTES + 1);
    for header in all() {
        for der in [
            &b""[..],
            b"\x30\0",
            &[&LEAF[..], b"\0"].concat(),
            &LEAF[..LEAF.len() - 1],
        ] {
            if der.is_empty() && matches!(header.form, Form::Base64Der) {
                continue; // which is how that form says that there is none
            }
            let fields = written(header.form, &[der.to_vec()]);
            let error = header.read(&headers(&fields)).unwrap_err();
            assert_eq!(error.flaw(), Flaw::Der, "{header:?}");
        }
        assert_eq!(read(&header, &long), Err(Flaw::TooLarge(MAX_BYTES + 1)));
        for value in [
            "x",
            ":",
            "::",
            ":=:",
            "%",
            "(null)",
            "Hash=",
            "\"",
            ",",
            "-----BEGIN CERTIFICATE-----",
        ] {
            let outcome = read(&header, value);
            assert!(outcome.is_err(), "{header:?} {value:?}: {outcome:?}");
        }
    }
}

// An empty value is what nginx leaves out and what HAProxy and Caddy write where there is no certificate; elsewhere it is
// nothing that a proxy writes.
#[test]
fn an_empty_value_is_no_certificate() {
    for header in all() {
        let empty_says_none = matches!(header.form, Form::EscapedPem | Form::Base64Der);
        for value in ["", "  "] {
            let outcome = read(&header, value);
            assert_eq!(
                outcome == Ok(None),
                empty_says_none,
                "{header:?}: {outcome:?}"
            );
            assert_eq!(
                outcome.is_err(),
                !empty_says_none,
                "{header:?}: {outcome:?}"
            );
        }
    }
}

// RFC 9440 §2.1 to §2.3, RFC 8941 §3.3.5.
#[test]
fn the_fields_of_rfc_9440_are_byte_sequences() {
    let header = CertificateHeader::rfc9440();
    let [leaf, upper] = [&LEAF, &UPPER].map(|der| pem::encode_base64(der));
    for (case, value, flaw) in [
        ("no colons", leaf.clone(), Flaw::Syntax),
        ("one colon", format!(":{leaf}"), Flaw::Syntax),
        ("a string", format!("\"{leaf}\""), Flaw::Syntax),
        ("a list", format!(":{leaf}:, :{upper}:"), Flaw::Base64),
        ("a parameter", format!(":{leaf}:;a=1"), Flaw::Syntax),
        (
            "base64url",
            format!(":{}:", leaf.replace('/', "_").replace('+', "-")),
            Flaw::Base64,
        ),
        ("a space inside", format!(": {leaf}:"), Flaw::Base64),
        ("no padding", ":MAA:".to_owned(), Flaw::Base64),
    ] {
        assert_eq!(read(&header, &value), Err(flaw), "{case}");
    }
    let chains = |leaf: Option<&str>, chains: &[&str]| {
        let mut fields: Vec<_> = chains
            .iter()
            .map(|chain| (rfc9440::CLIENT_CERT_CHAIN, (*chain).to_owned()))
            .collect();
        fields.extend(leaf.map(|leaf| (rfc9440::CLIENT_CERT, format!(":{leaf}:"))));
        let read = header
            .read(&headers(&fields))
            .map_err(|error| error.flaw())?;
        Ok(read.map(|read| read.certificate().unwrap().intermediates().len()))
    };
    let one = format!(":{upper}:");
    assert_eq!(
        chains(Some(&leaf), &[&one, &format!("{one},{one}")]),
        Ok(Some(3))
    );
    assert_eq!(chains(None, &[&one]), Err(Flaw::ChainAlone));
    assert_eq!(chains(Some(&leaf), &[""]), Err(Flaw::Syntax));
    assert_eq!(
        chains(Some(&leaf), &[&format!("{one},")]),
        Err(Flaw::Syntax)
    );
    assert_eq!(
        chains(Some(&leaf), &[one.as_str(); 10]),
        Err(Flaw::TooManyCertificates(11))
    );
}

// Whoever may choose a name in his certificate must not choose who he is by it.
#[test]
fn what_a_client_can_write_into_its_certificate_changes_nothing_for_envoy() {
    let header = CertificateHeader::envoy();
    let (own, other) = (hash(&LEAF), hash(&UPPER));
    let escaped = |der: &Vec<u8>| percent::encode(pem::encode(from_ref(der)).as_bytes(), "");
    let (cert, other_cert) = (escaped(&LEAF), escaped(&UPPER));
    let thumbprint = CertificateThumbprint::of_der(&LEAF);
    for value in [
        format!("Hash={own}"),
        format!("hash=\"{}\"", own.to_uppercase()),
        format!("By=a;By=b;Hash={own};URI=a;URI=b;DNS=c"),
        format!("Hash={own};Cert=\"{cert}\""),
        format!("Hash={own};Chain=\"{cert}{other_cert}\""),
        format!(r#"Hash={own};Subject="CN=\",Hash={other},\"""#),
        format!(r#"Hash={own};Subject="CN=a\\";URI=b"#),
        format!("Hash={own};Subject=\"\""),
    ] {
        assert_eq!(read(&header, &value), Ok(Some(thumbprint)), "{value}");
    }
    for (case, value, flaw) in [
        (
            "another element",
            format!("Hash={own},Hash={other}"),
            Flaw::Element,
        ),
        (
            "another element in the URI",
            format!("Hash={own};URI=a,Hash={other}"),
            Flaw::Element,
        ),
        (
            "another hash in the URI",
            format!("Hash={own};URI=a;Hash={other}"),
            Flaw::Syntax,
        ),
        (
            "the same hash twice",
            format!("Hash={own};Hash={own}"),
            Flaw::Syntax,
        ),
        (
            "another certificate",
            format!("Hash={own};URI=a;Cert=\"{other_cert}\""),
            Flaw::Contradiction,
        ),
        (
            "another chain",
            format!("Hash={own};Chain=\"{other_cert}\""),
            Flaw::Contradiction,
        ),
        (
            "chain and certificate",
            format!("Hash={own};Cert=\"{cert}\";Chain=\"{other_cert}\""),
            Flaw::Contradiction,
        ),
        (
            "quotes that end early",
            format!(r#"Hash={own};Subject="CN=a\\"b""#),
            Flaw::Syntax,
        ),
        (
            "quotes without end",
            format!(r#"Hash={own};Subject="CN=a\""#),
            Flaw::Syntax,
        ),
        ("no hash", format!("Cert=\"{cert}\""), Flaw::Element),
        ("no pair", format!("Hash={own};x"), Flaw::Syntax),
        ("nothing behind", format!("Hash={own};"), Flaw::Syntax),
        (
            "an element of nothing",
            format!("Hash={own},"),
            Flaw::Element,
        ),
        ("a short hash", "Hash=00".to_owned(), Flaw::Syntax),
        (
            "no hash in hex",
            format!(
                "Hash={}",
                own.replacen(&own.chars().take(1).collect::<String>(), "+", 1)
            ),
            Flaw::Syntax,
        ),
        ("a space", format!("Hash={own}; Hash={other}"), Flaw::Syntax),
    ] {
        assert_eq!(read(&header, &value), Err(flaw), "{case}");
    }
}

#[test]
fn where_one_certificate_is_meant_two_are_refused() {
    let two = percent::encode(pem::encode(&[LEAF.clone(), UPPER.clone()]).as_bytes(), "");
    let header = CertificateHeader::escaped_pem(name("x-cert"));
    assert_eq!(read(&header, &two), Err(Flaw::TooManyCertificates(2)));
    let der = pem::encode_base64(&LEAF);
    let header = CertificateHeader::base64_der(name("x-cert"));
    assert_eq!(read(&header, &format!("{der},{der}")), Err(Flaw::Base64));
}

// https://nginx.org/en/docs/http/ngx_http_ssl_module.html#var_ssl_client_verify
#[test]
fn where_the_proxy_has_to_verify_only_success_counts() {
    let header = CertificateHeader::escaped_pem(name("x-cert")).verified_by(name("x-verify"));
    let certificate = written(Form::EscapedPem, from_ref(&LEAF));
    for (verdicts, good) in [
        (&["SUCCESS"][..], true),
        (&["FAILED:self-signed certificate"], false),
        (&["NONE"], false),
        (&["success"], false),
        (&[""], false),
        (&[], false),
        (&["SUCCESS", "SUCCESS"], false),
        (&["NONE", "SUCCESS"], false),
    ] {
        let verdicts = verdicts.iter();
        let verdicts: Vec<_> = verdicts
            .map(|text| (name("x-verify"), (*text).to_owned()))
            .collect();
        let outcome = header.read(&headers(&[&certificate[..], &verdicts].concat()));
        assert_eq!(outcome.is_ok(), good, "{verdicts:?}");
        assert!(
            header.read(&headers(&verdicts)).unwrap().is_none(),
            "{verdicts:?}"
        );
    }
}

/// Something of the outward form of a certificate.
fn certificate_shaped() -> impl Strategy<Value = Vec<u8>> {
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        match length {
            [0, short @ 0..0x80] => [&[tag, short][..], content].concat(),
            [0, short] => [&[tag, 0x81, short][..], content].concat(),
            [high, low] => [&[tag, 0x82, high, low][..], content].concat(),
        }
    }
    let bytes = |least| prop::collection::vec(any::<u8>(), least..400);
    (bytes(1), bytes(0), bytes(2)).prop_map(|(signed, algorithm, signature)| {
        let parts = [
            der(0x30, &signed),
            der(0x30, &algorithm),
            der(0x03, &signature),
        ];
        der(0x30, &parts.concat())
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(chain in prop::collection::vec(certificate_shaped(), 1..4)) {
        for header in all() {
            let fields = written(header.form, &chain);
            let read = header.read(&headers(&fields)).unwrap().unwrap();
            let certificate = read.certificate().unwrap();
            prop_assert_eq!(certificate.leaf(), &chain[0]);
            if !matches!(header.form, Form::EscapedPem | Form::Base64Der) {
                let rest: Vec<_> = certificate.intermediates().collect();
                prop_assert_eq!(rest, chain[1..].iter().map(Vec::as_slice).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn any_header_gets_an_answer(
        value in prop_oneof![
            "[ -~]{0,80}",
            "((Hash|Cert|Chain|URI|x)=(\"([a-f0-9\\\\]|\\\\\")*\"?|[a-f0-9]{0,66})[;,]?){0,4}",
            "(:[A-Za-z0-9+/=]{0,20}:,?){0,3}",
            "(%0A|%20|-----BEGIN%20CERTIFICATE-----|-----END CERTIFICATE-----|[A-Za-z0-9+/=]{0,20}){0,6}",
        ],
        bytes: Vec<u8>,
    ) {
        for value in [value.as_bytes(), &bytes] {
            let Ok(value) = http::HeaderValue::from_bytes(value) else { continue };
            for header in all() {
                let mut headers = HeaderMap::new();
                headers.insert(header.name(), value.clone());
                headers.insert(rfc9440::CLIENT_CERT_CHAIN, value.clone());
                let _ = header.read(&headers);
            }
        }
    }
}
