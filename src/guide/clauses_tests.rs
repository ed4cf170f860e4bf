//! The tables of clauses are complete, and what they point to exists.

use std::{collections::BTreeMap, fs, path::Path};

use super::clause_lists::{AUTHORIZATION_SERVER, Clauses, RESOURCE_SERVER};

/// A page of tables, and the clauses that it must have.
struct Page {
    name: &'static str,
    text: &'static str,
    clauses: Clauses,
}

const PAGES: [Page; 2] = [
    Page {
        name: "clauses.md",
        text: include_str!("clauses.md"),
        clauses: RESOURCE_SERVER,
    },
    Page {
        name: "server_clauses.md",
        text: include_str!("server_clauses.md"),
        clauses: AUTHORIZATION_SERVER,
    },
];

/// One row of a page.
struct Row {
    specification: &'static str,
    clause: &'static str,
    demand: &'static str,
    place: &'static str,
    tests: &'static str,
    /// Where the demo shows it, in tables that have this column.
    demo: Option<&'static str>,
}

impl Page {
    fn rows(&self) -> Vec<Row> {
        let mut specification = "";
        let mut rows = Vec::new();
        for line in self.text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                specification = heading;
            } else if line.starts_with("| ") && !line.contains("| demands |") {
                let cells: Vec<_> = line
                    .split(" | ")
                    .map(|cell| cell.trim_matches(['|', ' ']))
                    .collect();
                let (clause, demand, place, tests, demo) = match cells[..] {
                    [clause, demand, place, tests] => (clause, demand, place, tests, None),
                    [clause, demand, place, tests, demo] => {
                        (clause, demand, place, tests, Some(demo))
                    }
                    _ => panic!("{}: neither four cells nor five: {line}", self.name),
                };
                rows.push(Row {
                    specification,
                    clause,
                    demand,
                    place,
                    tests,
                    demo,
                });
            }
        }
        rows
    }
}

impl Row {
    fn name(&self) -> String {
        format!("{} {}", self.specification, self.clause)
    }
}

fn all_rows() -> impl Iterator<Item = Row> {
    PAGES.iter().flat_map(Page::rows)
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What stands between typographic quotes: the titles of the demo.
fn titles(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split('“').skip(1);
    parts.map(|part| part.split('”').next().unwrap())
}

fn source(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// All of the demo's sources.
fn demo() -> String {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
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
    for page in &PAGES {
        let name = page.name;
        let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in page.rows() {
            rows.entry(row.specification).or_default().push(row.clause);
        }
        for (specification, clauses) in page.clauses {
            let listed = rows.remove(specification).unwrap_or_default();
            assert_eq!(
                listed, *clauses,
                "{name}, {specification}: left the page, right the list of this test"
            );
        }
        assert!(
            rows.is_empty(),
            "{name}: specifications that are not in the list: {rows:?}"
        );
    }
}

// A row says where it is enforced and which test shows it, or whose duty it is.
#[test]
fn every_row_says_who_sees_to_it() {
    for row in all_rows() {
        let name = row.name();
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
    for row in all_rows() {
        let name = row.name();
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

#[test]
fn what_the_demo_is_said_to_show_it_shows() {
    let demo = demo();
    let mut seen = 0;
    for row in all_rows() {
        let Some(shown) = row.demo else { continue };
        for title in titles(shown) {
            let there = demo.contains(&format!("\"{title}\""));
            assert!(there, "{}: the demo has no {title:?}", row.name());
            seen += 1;
        }
        assert!(
            titles(shown).next().is_some() || shown.starts_with("not shown:"),
            "{}: what does the demo show of it?",
            row.name()
        );
    }
    assert!(seen > 0, "no row names anything of the demo");
}

// The checks above would be worth nothing if they found tests everywhere.
#[test]
fn only_a_test_is_taken_for_one() {
    let file = "#[test]\nfn a_test() {\n}\nfn helper() {\n}\n\n#[tokio::test]\n#[expect(\n    lint,\n    reason = \"long\"\n)]\nasync fn another() {\n}\n";
    assert!(is_test(file, "a_test") && is_test(file, "another"));
    assert!(!is_test(file, "helper") && !is_test(file, "absent") && !is_test(file, "test"));
}
