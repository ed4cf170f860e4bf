//! Attacks on the API: one list, sent by any carrier, with tokens in either form.

mod call;
mod certificates;
mod payments;
mod proofs;
mod scene;
mod tokens;

pub use self::{
    call::{Call, Operation, Shown},
    scene::{Form, Loot, Scene},
};
use super::report::{Report, group};
use crate::Outcome;

/// What is tried, what stops it, what the answer must be, some of its words, and how a good request is spoilt. A row whose
/// request is a good one has no clause, and has to succeed, or the refusals around it prove nothing.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    fn(&Scene<'_>) -> Outcome<Call>,
);

const ALL: &[(&str, &[Row])] = &[
    ("A stolen access token", proofs::STOLEN),
    ("Proofs that do not fit", proofs::MADE_FOR_ELSE),
    ("Access tokens that the API must not believe", tokens::WRONG),
    (
        "Encrypted access tokens that the API must not believe",
        tokens::ENCRYPTED,
    ),
    (
        "Access tokens in the wrong place, or not enough",
        tokens::MISPLACED,
    ),
    ("Payments that nobody approved", payments::PAYMENTS),
    (
        "A stolen certificate-bound token",
        certificates::CERTIFICATES,
    ),
];

/// Tries everything, and tells each of it.
pub async fn run(scene: &Scene<'_>, report: &mut Report) -> Outcome {
    for (title, rows) in ALL {
        group(title);
        for (what, clause, expected, words, spoil) in *rows {
            let answer = scene.carrier.send(&spoil(scene)?).await?;
            let expected = scene.carrier.expected(expected);
            if clause.is_empty() {
                report.control(what, &expected, &answer);
            } else {
                report.attack((what, clause, &expected, words), &answer);
            }
        }
    }
    Ok(())
}

/// Tries everything, and tells the sum of it.
pub async fn repeat(scene: &Scene<'_>, report: &mut Report) -> Outcome {
    report.begin_again();
    for (what, clause, expected, words, spoil) in ALL.iter().flat_map(|(_, rows)| *rows) {
        let answer = scene.carrier.send(&spoil(scene)?).await?;
        let what = format!("{what}, {}", scene.name());
        let expected = scene.carrier.expected(expected);
        if clause.is_empty() {
            report.control_again(&what, &expected, &answer);
        } else if scene.carrier.refused_itself(&expected, &answer) {
            report.kept_away();
        } else {
            report.attack_again((&what, clause, &expected, words), &answer);
        }
    }
    report.sum_up(&scene.name());
    Ok(())
}
