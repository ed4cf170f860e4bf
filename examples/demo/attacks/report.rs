//! Keeps count, and says of each attack whether it was answered as it must be.

use std::{error::Error, process::ExitCode};

use super::answer::Answer;
use crate::print;

#[derive(Default)]
pub struct Report {
    attacks: usize,
    controls: usize,
    wrong: Vec<String>,
}

/// What is tried; the clause that stops it; the answer there must be, status and error code; and some of the words that
/// say why, lest it was refused for another reason than the one that is tried here.
pub type Attack = (&'static str, &'static str, &'static str, &'static str);

/// Begins the list.
pub fn begin() {
    print::line("");
    print::line(
        "   Each is wrong in one thing only, and is refused for that. FAPI 2.0 is its Security Profile.",
    );
    let columns = format!("{:<54}{:<24}answer", "what is tried", "what stops it");
    print::line(format_args!("        {}", print::dim(&columns)));
}

/// Begins a group of attacks.
pub fn group(title: &str) {
    print::line("");
    print::line(format_args!("   {}", print::bold(title)));
}

impl Report {
    /// What came of an attack.
    pub fn attack(&mut self, (what, clause, expected, words): Attack, answer: &Answer) {
        self.attacks += 1;
        let number = self.attacks;
        let refused = answer.said == expected && answer.words.contains(words);
        let clause = print::dim(&format!("{clause:<24}"));
        let (mark, said) = (mark(refused), &answer.said);
        print::line(format_args!(
            " {mark} {number:>3}  {what:<54}{clause}{said}"
        ));
        if !refused {
            self.fail(&format!("attack {number}, {what}"), expected, words, answer);
        }
    }

    /// The same request without the fault: it has to succeed, or the refusals around it prove nothing.
    pub fn control(&mut self, what: &str, expected: &str, answer: &Answer) {
        self.controls += 1;
        let fine = answer.said == expected;
        let text = print::green(&format!("{what:<78}"));
        print::line(format_args!(" {}      {text}{}", mark(fine), answer.said));
        if !fine {
            self.fail(what, expected, "", answer);
        }
    }

    /// The attacks could not go on: what one of them needed was not to be had.
    pub fn broke_off(&mut self, error: &dyn Error) {
        self.wrong.push(format!("the attacks broke off: {error}"));
    }

    fn fail(&mut self, what: &str, expected: &str, words: &str, answer: &Answer) {
        let Answer {
            said, words: found, ..
        } = answer;
        let wrong = format!("{what}: expected {expected} ({words}), got {said} ({found})");
        print::line(format_args!("        {}", print::red(&wrong)));
        self.wrong.push(wrong);
    }

    /// The sum of it.
    pub fn conclude(&self) -> ExitCode {
        let Self {
            attacks,
            controls,
            wrong,
        } = self;
        print::line("");
        if wrong.is_empty() {
            let refused = format!("All {attacks} attacks were refused as they must be");
            let refused = print::green(&refused);
            print::line(format_args!(
                "{refused}, and {controls} honest requests in between went through."
            ));
            return ExitCode::SUCCESS;
        }
        let number = wrong.len();
        let text =
            format!("Of {attacks} attacks and {controls} honest requests, {number} went wrong:");
        print::line(print::red(&text));
        for wrong in wrong {
            print::line(format_args!("  {wrong}"));
        }
        ExitCode::FAILURE
    }
}

fn mark(fine: bool) -> String {
    if fine {
        print::green("✓")
    } else {
        print::red("✗")
    }
}
