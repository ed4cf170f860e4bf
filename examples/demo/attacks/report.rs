//! Keeps count, and says of each attack whether it was answered as it must be.

use std::{error::Error, process::ExitCode};

use super::answer::Answer;
use crate::print;

#[derive(Default)]
pub struct Report {
    attacks: usize,
    controls: usize,
    /// The sums before and those of the repetition that is under way.
    repeated: usize,
    again: Sum,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Sum {
    attacks: usize,
    /// Of the attacks those that have not got as far as the API.
    kept_away: usize,
    controls: usize,
    wrong: usize,
}

/// What is tried; the clause that stops it; the answer there must be, status and error code; and some of the words that
/// say why, lest it was refused for another reason than the one that is tried here.
pub type Attack<'a> = (&'a str, &'a str, &'a str, &'a str);

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

/// Begins the sums of the same attacks on other ways.
pub fn begin_repetitions(with_nginx: bool) {
    print::section("4  The attacks on the API again, on every way to it");
    print::line("");
    if !with_nginx {
        print::line("   Not through nginx: it is not on the path.");
    }
}

impl Report {
    /// What came of an attack.
    pub fn attack(&mut self, (what, clause, expected, words): Attack<'_>, answer: &Answer) {
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

    /// Begins the list anew.
    pub fn begin_again(&mut self) {
        self.again = Sum::default();
    }

    /// What came of an attack that was tried before in another way.
    pub fn attack_again(&mut self, (what, _, expected, words): Attack<'_>, answer: &Answer) {
        self.again.attacks += 1;
        if answer.said != expected || !answer.words.contains(words) {
            self.again.wrong += 1;
            self.fail(what, expected, words, answer);
        }
    }

    /// An attack that the proxy in front has refused.
    pub fn kept_away(&mut self) {
        self.again.attacks += 1;
        self.again.kept_away += 1;
    }

    /// The same for a request without a fault.
    pub fn control_again(&mut self, what: &str, expected: &str, answer: &Answer) {
        self.again.controls += 1;
        if answer.said != expected {
            self.again.wrong += 1;
            self.fail(what, expected, "", answer);
        }
    }

    /// One line for the whole list.
    pub fn sum_up(&mut self, name: &str) {
        let Sum {
            attacks,
            kept_away,
            controls,
            wrong,
        } = self.again;
        self.repeated += attacks;
        let by_proxy = match kept_away {
            0 => String::new(),
            number => format!(" ({number} by the proxy itself)"),
        };
        let (mark, sum) = match wrong {
            0 => (
                mark(true),
                format!(
                    "{attacks} attacks refused{by_proxy}, {controls} honest requests let through"
                ),
            ),
            wrong => (
                mark(false),
                format!("{wrong} of {attacks} attacks and {controls} honest requests went wrong"),
            ),
        };
        print::line(format_args!(" {mark}  {name:<34}{sum}"));
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
            repeated,
            wrong,
            ..
        } = self;
        print::line("");
        if wrong.is_empty() {
            let refused = format!("All {attacks} attacks were refused as they must be");
            let refused = print::green(&refused);
            print::line(format_args!(
                "{refused}, and {controls} honest requests in between went through; {repeated} repetitions alike."
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
