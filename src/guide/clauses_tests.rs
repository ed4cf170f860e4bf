//! The table of clauses is complete, and what it points to exists.

use std::{collections::BTreeMap, fs, path::Path};

const PAGE: &str = include_str!("clauses.md");

/// Every clause that concerns resource servers, by specification, as the page numbers them.
#[rustfmt::skip]
const CLAUSES: &[(&str, &[&str])] = &[
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

/// One row of the page.
struct Row<'a> {
    specification: &'a str,
    clause: &'a str,
    demand: &'a str,
    place: &'a str,
    tests: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let mut specification = "";
    let mut rows = Vec::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            specification = heading;
        } else if line.starts_with("| ") && !line.starts_with("| clause |") {
            let cells: Vec<_> = line
                .split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ']))
                .collect();
            let [clause, demand, place, tests] = cells[..] else {
                panic!("not four cells: {line}");
            };
            rows.push(Row {
                specification,
                clause,
                demand,
                place,
                tests,
            });
        }
    }
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn source(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Whether a file has a function of this name under `#[test]` or `#[tokio::test]`.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let declaration = format!("fn {name}(");
    let positions = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains(&declaration));
    positions.into_iter().any(|(position, _)| {
        let attributes = lines[..position].iter().rev();
        let mut attributes = attributes.take_while(|line| !line.is_empty() && **line != "}");
        attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_clause_has_its_row_and_every_row_its_clause() {
    let mut page: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows() {
        page.entry(row.specification).or_default().push(row.clause);
    }
    for (specification, clauses) in CLAUSES {
        let listed = page.remove(specification).unwrap_or_default();
        assert_eq!(
            listed, *clauses,
            "{specification}: left the page, right the list in this test"
        );
    }
    assert!(
        page.is_empty(),
        "specifications that are not in the list: {page:?}"
    );
}

// A row says where it is enforced and which test shows it, or whose duty it is.
#[test]
fn every_row_says_who_sees_to_it() {
    for row in rows() {
        let name = format!("{} {}", row.specification, row.clause);
        assert!(row.demand.len() > 10, "{name}: what does it demand?");
        if row.place.starts_with("not ours:") || row.place.starts_with("not done:") {
            assert!(
                row.place.len() > 20,
                "{name}: whose duty is it, or why is it not done?"
            );
        } else {
            let link = row.place.contains("](crate::")
                || quoted(row.place).any(|it| it.starts_with("src/"));
            assert!(link, "{name}: where is it enforced?");
            assert!(
                row.tests.contains("::"),
                "{name}: which test goes red without it?"
            );
        }
    }
}

#[test]
fn what_the_rows_point_to_exists() {
    for row in rows() {
        let name = format!("{} {}", row.specification, row.clause);
        for path in quoted(row.place).filter(|it| it.starts_with("src/")) {
            assert!(source(path).is_some(), "{name}: there is no {path}");
        }
        for test in quoted(row.tests).filter(|it| it.contains("::")) {
            let (path, function) = test.split_once("::").unwrap();
            let source = source(path).unwrap_or_else(|| panic!("{name}: there is no {path}"));
            assert!(
                is_test(&source, function),
                "{name}: {path} has no test {function}"
            );
        }
    }
}

// The checks above would be worth nothing if they found tests everywhere.
#[test]
fn only_a_test_is_taken_for_one() {
    let file = "#[test]\nfn a_test() {\n}\nfn helper() {\n}\n\n#[tokio::test]\n#[expect(\n    lint,\n    reason = \"long\"\n)]\nasync fn another() {\n}\n";
    assert!(is_test(file, "a_test") && is_test(file, "another"));
    assert!(!is_test(file, "helper") && !is_test(file, "absent") && !is_test(file, "test"));
}
