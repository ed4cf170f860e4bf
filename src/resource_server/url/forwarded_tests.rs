use std::fmt;

use proptest::prelude::*;

use super::*;

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            NodeName::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            NodeName::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            NodeName::Unknown => f.write_str("unknown")?,
            NodeName::Obfuscated(name) => f.write_str(name)?,
        }
        match &self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn written(element: &Element) -> String {
    let node = |node: &Option<Node>| node.as_ref().map(|node| quoted(&node.to_string()));
    let pairs = [
        ("for", node(&element.forwarded_for)),
        ("By", node(&element.by)),
        ("host", element.host.as_deref().map(quoted)),
        ("PROTO", element.proto.as_deref().map(quoted)),
        ("x-new", Some("extension".to_owned())),
    ];
    let pairs = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
    pairs.collect::<Vec<_>>().join(";")
}

fn node(text: &str) -> Option<String> {
    Node::read(text).ok().map(|node| node.to_string())
}

// RFC 7239 §6, with the examples of §4, §6.3 and §7.4.
#[test]
fn a_node_is_an_address_or_a_name_that_says_nothing() {
    for text in [
        "192.0.2.43",
        "192.0.2.43:47011",
        "[2001:db8:cafe::17]",
        "[2001:db8:cafe::17]:4711",
        "unknown",
        "unknown:_port",
        "_gazonk",
        "_hidden",
        "_SEVKISEK",
        "192.0.2.43:_a.b-c_",
    ] {
        assert_eq!(node(text).as_deref(), Some(text));
    }
    for text in [
        "",
        "2001:db8::1",
        "[192.0.2.43]",
        "[2001:db8::1",
        "[2001:db8::1]4711",
        "192.0.2.256",
        "192.0.2.43:",
        "192.0.2.43:123456",
        "192.0.2.43:80:80",
        "192.0.2.43:+80",
        "_",
        "_a b",
        "gazonk",
        "unknown.example",
    ] {
        assert_eq!(node(text), None, "{text}");
    }
}

// RFC 7239 §4 and §7.1; RFC 9110 §5.6.
#[test]
fn a_field_is_a_list_of_pairs() {
    let count = |fields: &[&str]| elements(fields.iter().copied()).map(|elements| elements.len());
    for (fields, expected) in [
        (&[r#"for="_gazonk""#][..], 1),
        (&[r#"For="[2001:db8:cafe::17]:4711""#], 1),
        (&["for=192.0.2.60;proto=http;by=203.0.113.43"], 1),
        (&["for=192.0.2.43, for=198.51.100.17"], 2),
        (
            &[
                "for=192.0.2.43",
                "for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com",
            ],
            2,
        ),
        (
            &[r#"for=192.0.2.43, for="[2001:db8:cafe::17]",for=unknown"#],
            3,
        ),
        (&[r#"host="a,b;c=\"d\\";proto=https"#], 1),
        (&["for=_a;;proto=https;"], 1),
        (&[", for=_a,, for=_b ,"], 2),
        (&["for=_a ; proto=https"], 1),
        (&["secret=\"\""], 1),
        (&["", " "], 0),
    ] {
        assert_eq!(count(fields), Ok(expected), "{fields:?}");
    }
    for field in [
        "for",
        "for=",
        "=x",
        "for = _a",
        "for=_a proto=https",
        "for=_a;For=_b",
        "new=1;new=2",
        "host=\"a",
        "host=\"a\\\"",
        "host=a\"b\"",
        "host=\"a\"b",
        "host=a:80",
        "for=[::1]",
        "for=\"2001:db8::1\"",
        "for=_a/for=_b",
        "for=_a\\,host=b",
    ] {
        assert_eq!(count(&[field]), Err(Malformed), "{field}");
    }
    let [element] = &elements([r#"host="a\b\"c""#]).unwrap()[..] else {
        panic!("one element")
    };
    assert_eq!(element.host.as_deref(), Some("ab\"c"));
}

fn any_node() -> impl Strategy<Value = Node> {
    let name = prop_oneof![
        any::<IpAddr>().prop_map(NodeName::Address),
        Just(NodeName::Unknown),
        "_[A-Za-z0-9._-]{1,9}".prop_map(NodeName::Obfuscated),
    ];
    let port = proptest::option::of("[0-9]{1,5}|_[A-Za-z0-9._-]{1,9}");
    (name, port).prop_map(|(name, port)| Node { name, port })
}

fn any_element() -> impl Strategy<Value = Element> {
    let text = || proptest::option::of("[ -~]{0,12}");
    let node = || proptest::option::of(any_node());
    (node(), node(), text(), text()).prop_map(|(forwarded_for, by, host, proto)| Element {
        forwarded_for,
        by,
        host,
        proto,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(all in prop::collection::vec(any_element(), 0..5), lines: bool) {
        let texts: Vec<_> = all.iter().map(written).collect();
        let fields = if lines { texts } else { vec![texts.join(", ")] };
        prop_assert_eq!(elements(fields.iter().map(String::as_str)), Ok(all));
    }

    #[test]
    fn any_field_gets_an_answer(field in "([a-z]{0,4}[=;,\" \\\\:_\\[\\]]{0,3}[0-9.:]{0,5}){0,8}", any in "\\PC{0,40}") {
        let _ = elements([field.as_str()]);
        let _ = elements([any.as_str()]);
    }
}

// What a stranger writes in front is not to be compared with itself for long.
#[test]
fn an_element_of_many_parameters_is_refused() {
    let element = |count: usize| {
        let pairs: Vec<_> = (0..count).map(|n| format!("a{n}=b")).collect();
        pairs.join(";")
    };
    for (count, sound) in [(16, true), (17, false), (2_000, false)] {
        let field = element(count);
        assert_eq!(elements([field.as_str()]).is_ok(), sound, "{count}");
    }
}
