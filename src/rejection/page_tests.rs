//! The page for client developers tells of every refusal there is, and of no other.

use std::collections::BTreeSet;

use super::{Kind, Rejection, examples::rejections};

const PAGE: &str = include_str!("../guide/errors.md");

/// Error code, sentence, HTTP status, gRPC status; as a row of the page has it.
type Row = (String, String, String, String);

fn rows_of_the_page() -> BTreeSet<Row> {
    let mut code = String::new();
    let mut rows = BTreeSet::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            code = heading.replace('`', "");
        } else if line.starts_with("| `") && !code.is_empty() {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let [_, sentence, http, grpc, advice, _] = cells[..] else {
                panic!("not four cells: {line}");
            };
            if matches!(sentence, "`error_description`" | "`grpc-message`") {
                continue;
            }
            assert!(advice.len() > 10, "no advice: {line}");
            let sentence = sentence.trim_matches('`').to_owned();
            let row = (code.clone(), sentence, http.to_owned(), grpc.to_owned());
            assert!(rows.insert(row), "twice: {line}");
        }
    }
    rows
}

fn row_of(rejection: &Rejection) -> Row {
    let code = match rejection {
        Rejection::Refused(refusal) => refusal
            .code()
            .map_or_else(|| "No error".to_owned(), |code| code.to_string()),
        Rejection::Failed(_) => "Status 503".to_owned(),
    };
    let kind = Kind::of(rejection);
    (
        code,
        rejection.description().to_owned(),
        kind.status().as_str().to_owned(),
        kind.grpc_status().to_string(),
    )
}

#[test]
fn the_page_tells_of_every_refusal_and_of_no_other() {
    let page = rows_of_the_page();
    let sent: BTreeSet<_> = rejections().iter().map(row_of).collect();
    let missing: Vec<_> = sent
        .difference(&page)
        .map(|(code, sentence, http, grpc)| {
            format!("under \"## `{code}`\": | `{sentence}` | {http} | {grpc} | why, and how to mend it |")
        })
        .collect();
    assert!(
        missing.is_empty(),
        "add to src/guide/errors.md\n{}",
        missing.join("\n")
    );
    let stale: Vec<_> = page.difference(&sent).collect();
    assert!(
        stale.is_empty(),
        "nothing is answered like this any more: {stale:#?}"
    );
}
