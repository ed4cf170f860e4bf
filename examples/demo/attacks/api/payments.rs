//! Payments that Ada has not approved, or not with the sign-in that a payment needs (RFC 9396, RFC 9470).

use serde_json::json;

use super::{
    Row,
    call::{Operation::Pay, Order},
    scene::{BILL, Scene},
};

const TOO_WEAK: &str = "401 insufficient_user_authentication";
const NOT_APPROVED: &str = "403 insufficient_scope";

/// A cent more.
const MORE: Order = Order {
    cents: BILL.cents + 1,
    ..BILL
};

/// To somebody else.
const ELSEWHERE: Order = Order {
    iban: "DE02120300000000202051",
    ..BILL
};

#[rustfmt::skip]
pub const PAYMENTS: &[Row] = &[
    ("a payment with a token for reading", "RFC 9470 §3", TOO_WEAK, "sign in again", |s| Ok(s.presenting(Pay(BILL), "DPoP", &s.token))),
    ("approved, after a password alone", "RFC 9470 §3", TOO_WEAK, "sign in again", |s| s.paying(BILL, |claims| drop(claims.insert("acr".to_owned(), json!("password"))))),
    ("approved, and nobody says how Ada signed in", "RFC 9470 §3", TOO_WEAK, "sign in again", |s| s.paying(BILL, |claims| drop(claims.remove("acr")))),
    ("after two factors, and nothing was approved", "RFC 9396 §9", NOT_APPROVED, "do not grant", |s| s.paying(BILL, |claims| drop(claims.remove("authorization_details")))),
    ("a cent more than was approved", "RFC 9396 §9", NOT_APPROVED, "do not grant", |s| s.paying(MORE, |_| ())),
    ("to another account than was approved", "RFC 9396 §9", NOT_APPROVED, "do not grant", |s| s.paying(ELSEWHERE, |_| ())),
    ("amount and account of two other approvals", "RFC 9396 §9", NOT_APPROVED, "do not grant", |s| {
        let two = [Scene::approval(&BILL.amount(), ELSEWHERE.iban)?, Scene::approval(&MORE.amount(), BILL.iban)?];
        s.paying(BILL, |claims| drop(claims.insert("authorization_details".to_owned(), json!(two))))
    }),
    ("approved, as something that is no payment", "RFC 9396 §2", NOT_APPROVED, "do not grant", |s| {
        let mut entry = Scene::approval(&BILL.amount(), BILL.iban)?;
        entry.as_object_mut().ok_or("not an object")?.insert("type".to_owned(), json!("standing_order"));
        s.paying(BILL, |claims| drop(claims.insert("authorization_details".to_owned(), json!([entry]))))
    }),
    ("approved, in a way no payment is", "RFC 9396 §2", "401 invalid_token", "malformed", |s| s.paying(BILL, |claims| drop(claims.insert("authorization_details".to_owned(), json!("all")))) ),
    ("the payment as it was approved", "", "201", "", |s| s.paying(BILL, |_| ())),
];
