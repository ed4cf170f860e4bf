//! Rich authorization requests (RFC 9396): what is pushed is what is shown, what is shown is what the token says.

use std::time::Duration;

use scraper::{Html, Selector};
use serde_json::{Value, json};
use tower_fapi::authorization_server::{
    AuthorizationDetailsType, Choice, DetailMember, DetailValue,
    store::{Record, RecordKey, RecordKind, Store as _},
};

use crate::{
    browser::{Browser, Page, error_page},
    world::{API, OTHER_API, Reply, TOKEN, World, changed, claims_of, form, post, with_proof},
};

/// The types that the server under test knows.
pub fn types() -> [AuthorizationDetailsType; 2] {
    let actions = vec![
        Choice::new("list_accounts", "See your accounts"),
        Choice::new("read_balances", "See your balances"),
    ];
    [
        AuthorizationDetailsType::new("payment_initiation", "Payment")
            .member(
                DetailMember::required("instructedAmount", "Amount", DetailValue::Amount)
                    .prominent(),
            )
            .member(DetailMember::required("creditorName", "To", DetailValue::Text).prominent())
            .member(DetailMember::required(
                "creditorAccount",
                "Account",
                DetailValue::Account,
            ))
            .member(DetailMember::optional(
                "remittanceInformationUnstructured",
                "Reference",
                DetailValue::Text,
            )),
        AuthorizationDetailsType::new("account_information", "Account information")
            .member(DetailMember::required(
                "actions",
                "Actions",
                DetailValue::Choices(actions),
            ))
            .member(DetailMember::optional(
                "locations",
                "At",
                DetailValue::Locations,
            )),
    ]
}

fn payment() -> Value {
    json!({
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "123.50"},
        "creditorName": "Merchant A",
        "creditorAccount": {"iban": "DE02100100109307118603"},
        "remittanceInformationUnstructured": "Ref Number <b>Merchant</b>",
    })
}

fn accounts(actions: &[&str]) -> Value {
    json!({"type": "account_information", "actions": actions})
}

fn located(location: &str) -> Value {
    json!({"type": "account_information", "actions": ["list_accounts"], "locations": [location]})
}

/// A payment with one member replaced.
fn payment_with(name: &str, value: Value) -> Value {
    let mut payment = payment();
    payment[name] = value;
    payment
}

async fn consent_page(world: &World, details: &Value, changes: &[(&str, &str)]) -> (Browser, Page) {
    let details = details.to_string();
    let mut all = vec![("authorization_details", details.as_str())];
    all.extend(changes);
    let pushed = world.push(&all).await;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &pushed.text("request_uri")).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    (browser, page)
}

fn texts(page: &Page, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.reply.body);
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector)
        .map(|element| element.text().collect())
        .collect()
}

async fn refresh(world: &World, token: &str, changes: &[(&str, &str)]) -> Reply {
    let mut parameters = world.authentication("dpop");
    parameters.extend(form([
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ]));
    let request = post(TOKEN, &changed(parameters, changes));
    world.send(with_proof(request, &world.proof(TOKEN))).await
}

/// Answer and access token say the same.
fn granted(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let claims = claims_of(body["access_token"].as_str().unwrap());
    let [said, signed] = [&body, &claims].map(|object| object.get("authorization_details"));
    assert_eq!(said, signed);
    said.cloned().unwrap_or_default()
}

// RFC 9396 §5.
#[tokio::test]
async fn what_the_server_cannot_show_to_a_person_is_refused() {
    let world = World::new();
    let without = |name: &str| {
        let mut payment = payment();
        payment.as_object_mut().unwrap().remove(name);
        payment
    };
    for (case, details) in [
        ("no array", payment()),
        ("no entry", json!([])),
        ("no object", json!(["payment_initiation"])),
        ("no type", json!([without("type")])),
        ("an unknown type", json!([{"type": "transfer"}])),
        (
            "an unknown type beside a known one",
            json!([payment(), {"type": "transfer"}]),
        ),
        (
            "an unknown member",
            json!([payment_with("debtorName", json!("Bob"))]),
        ),
        ("no amount", json!([without("instructedAmount")])),
        ("no recipient", json!([without("creditorName")])),
        (
            "an amount of another type",
            json!([payment_with("instructedAmount", json!("123.50 EUR"))]),
        ),
        (
            "a number that floats",
            json!([payment_with(
                "instructedAmount",
                json!({"currency": "EUR", "amount": 123.5})
            )]),
        ),
        (
            "an amount below zero",
            json!([payment_with(
                "instructedAmount",
                json!({"currency": "EUR", "amount": "-1.00"})
            )]),
        ),
        (
            "an amount that reads like a thousand",
            json!([payment_with(
                "instructedAmount",
                json!({"currency": "EUR", "amount": "1.000"})
            )]),
        ),
        (
            "a recipient written backwards",
            json!([payment_with("creditorName", json!("\u{202e}Merchant"))]),
        ),
        (
            "a recipient with lines of its own",
            json!([payment_with("creditorName", json!("A\nAmount 1.00"))]),
        ),
        (
            "a mistyped account",
            json!([payment_with(
                "creditorAccount",
                json!({"iban": "DE02100100109307118604"})
            )]),
        ),
        (
            "an unknown action",
            json!([accounts(&["list_accounts", "close_accounts"])]),
        ),
        ("no action", json!([accounts(&[])])),
        (
            "a location that is not ours",
            json!([located("https://evil.example")]),
        ),
        (
            "too many",
            Value::Array(vec![accounts(&["list_accounts"]); 11]),
        ),
        (
            "too long",
            json!([payment_with("creditorName", json!("x".repeat(5000)))]),
        ),
    ] {
        let reply = world
            .push(&[("authorization_details", &details.to_string())])
            .await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_authorization_details".to_owned()),
            "{case}"
        );
    }
    assert!(
        world.store.is_empty(RecordKind::PushedRequest),
        "nothing was kept"
    );
}

// RFC 9396 §2: one JSON array, in one parameter.
#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let world = World::new();
    for (case, text) in [
        ("no JSON", "payment"),
        (
            "a member twice",
            r#"[{"type":"account_information","actions":["list_accounts"],"actions":["read_balances"]}]"#,
        ),
        (
            "trailing bytes",
            r#"[{"type":"account_information","actions":["list_accounts"]}] []"#,
        ),
    ] {
        let reply = world.push(&[("authorization_details", text)]).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_authorization_details".to_owned()),
            "{case}"
        );
    }
    let twice = [("authorization_details", json!([payment()]).to_string())];
    let mut parameters = world.pushed("dpop", &[("authorization_details", &twice[0].1)]);
    parameters.extend(form([("authorization_details", &twice[0].1)]));
    let reply = world.send(post(crate::world::PAR, &parameters)).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_request".to_owned()),
        "the parameter twice"
    );
    assert!(
        world.store.is_empty(RecordKind::PushedRequest),
        "nothing was kept"
    );
}

// RFC 9396 §10: `authorization_details_types` of the client.
#[tokio::test]
async fn a_client_asks_only_for_the_types_it_is_registered_for() {
    let world = World::new();
    let details = json!([accounts(&["list_accounts"])]).to_string();
    for (client, expected) in [("other", 400), ("payer", 400), ("dpop", 201)] {
        let changes = [("authorization_details", details.as_str()), ("scope", "")];
        let reply = world
            .send(post(crate::world::PAR, &world.pushed(client, &changes)))
            .await;
        assert_eq!(reply.status, expected, "{client} {reply:?}");
    }
}

// RFC 9396 §3: wherever a scope can be used; RFC 6749 §3.3.
#[tokio::test]
async fn authorization_details_can_stand_in_for_a_scope() {
    let world = World::new();
    let details = json!([payment()]).to_string();
    let changes = [("authorization_details", details.as_str()), ("scope", "")];
    let code = world.code("dpop", &changes).await;
    let reply = world.redeem(&code).await;
    assert_eq!(granted(&reply), json!([payment()]));
    assert!(reply.json().get("scope").is_none());
    assert!(
        claims_of(&reply.text("access_token"))
            .get("scope")
            .is_none()
    );
    let narrowed = refresh(
        &world,
        &reply.text("refresh_token"),
        &[("scope", "accounts")],
    )
    .await;
    assert_eq!(
        narrowed.refusal(),
        (400, "invalid_scope".to_owned()),
        "none was approved"
    );

    // A client that is registered for no scope at all.
    let payer = |scope| {
        [
            ("authorization_details", details.as_str()),
            ("scope", scope),
        ]
    };
    let reply = world
        .send(post(crate::world::PAR, &world.pushed("payer", &payer(""))))
        .await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let reply = world
        .send(post(
            crate::world::PAR,
            &world.pushed("payer", &payer("accounts")),
        ))
        .await;
    assert_eq!(reply.refusal(), (400, "invalid_scope".to_owned()));
    let reply = world.push(&[("scope", "")]).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_scope".to_owned()),
        "neither"
    );
}

// RFC 9396 §3.1: "the AS MUST present the merged set of requirements".
#[tokio::test]
async fn the_page_shows_every_part_of_every_entry() {
    let world = World::new();
    let details = json!([
        payment(),
        accounts(&["read_balances", "list_accounts"]),
        payment()
    ]);
    let (_, page) = consent_page(&world, &details, &[("scope", "payments")]).await;
    assert_eq!(
        texts(&page, ".detail h2"),
        ["Payment", "Account information", "Payment"],
        "each is granted, so each is shown"
    );
    let expected = [
        ("Amount", "123.50 EUR"),
        ("To", "Merchant A"),
        ("Account", "DE02 1001 0010 9307 1186 03"),
        ("Reference", "Ref Number <b>Merchant</b>"),
        ("Actions", "See your balances\nSee your accounts"),
        ("Amount", "123.50 EUR"),
    ];
    let (labels, values) = (texts(&page, ".detail dt"), texts(&page, ".detail dd"));
    let shown: Vec<_> = labels
        .iter()
        .map(String::as_str)
        .zip(values.iter().map(String::as_str))
        .collect();
    assert_eq!(shown[..6], expected);
    assert_eq!(
        texts(&page, ".detail .prominent dd")[..2],
        ["123.50 EUR", "Merchant A"]
    );
    assert_eq!(texts(&page, ".scopes strong"), ["Make payments"]);
    assert!(!page.reply.body.contains("<b>"), "text stays text");
}

// Dynamic linking: nothing that comes from the browser changes what was pushed.
#[tokio::test]
async fn what_is_approved_is_what_was_pushed_whatever_the_browser_says() {
    let world = World::new();
    let details = json!([payment()]);
    let (mut browser, page) = consent_page(&world, &details, &[]).await;
    let dearer = json!([payment_with(
        "instructedAmount",
        json!({"currency": "EUR", "amount": "999"})
    )]);
    let dearer = dearer.to_string();
    let fields = [
        ("authorization_details", dearer.as_str()),
        ("instructedAmount", "999"),
        ("scope", "payments"),
        ("detail-1", "999"),
    ];
    let reply = browser.submit(&page, &fields, "approve").await;
    let answer = crate::browser::answer(&crate::browser::landed(&reply));
    let reply = world.redeem(&answer["code"]).await;
    assert_eq!(granted(&reply), details);
    assert_eq!(reply.json()["scope"], "accounts");
}

#[tokio::test]
async fn the_form_of_one_payment_does_not_approve_another() {
    let world = World::new();
    let (mut browser, page) = consent_page(&world, &json!([payment()]), &[]).await;
    let dearer = json!([payment_with(
        "instructedAmount",
        json!({"currency": "EUR", "amount": "999"})
    )]);
    let pushed = world
        .push(&[("authorization_details", &dearer.to_string())])
        .await;
    let other = browser.open("dpop", &pushed.text("request_uri")).await;
    assert!(other.path.starts_with("/consent"), "signed in already");
    let url = format!("{}{}", crate::world::ISSUER, other.action());
    let crossed = form([("csrf", &page.csrf()), ("approve", "yes")]);
    let reply = browser.send(post(&url, &crossed)).await;
    assert_eq!(error_page(&reply), (403, "invalid_request".to_owned()));
    assert!(world.store.is_empty(RecordKind::Code));
}

// RFC 9396 §6 and §8.
#[tokio::test]
async fn a_token_may_say_less_than_was_approved_and_never_more() {
    let world = World::new();
    let both = accounts(&["list_accounts", "read_balances"]);
    let one = accounts(&["list_accounts"]);
    let details = json!([payment(), both]);
    let code = world
        .code("dpop", &[("authorization_details", &details.to_string())])
        .await;
    let reply = world.redeem(&code).await;
    assert_eq!(granted(&reply), details);
    let token = reply.text("refresh_token");
    assert_eq!(
        granted(&refresh(&world, &token, &[]).await),
        details,
        "kept"
    );
    for less in [json!([one]), json!([payment()]), json!([both, payment()])] {
        let text = less.to_string();
        let reply = refresh(&world, &token, &[("authorization_details", &text)]).await;
        assert_eq!(granted(&reply), less);
    }
    assert_eq!(
        granted(&refresh(&world, &token, &[]).await),
        details,
        "narrowed for one token only"
    );
    let dearer = payment_with(
        "instructedAmount",
        json!({"currency": "EUR", "amount": "123.51"}),
    );
    for (case, more) in [
        ("a higher amount", json!([dearer])),
        (
            "another recipient",
            json!([payment_with("creditorName", json!("Merchant B"))]),
        ),
        (
            "another reference",
            json!([payment_with(
                "remittanceInformationUnstructured",
                json!("x")
            )]),
        ),
        ("twice", json!([payment(), payment()])),
        ("beside the approved one", json!([payment(), dearer])),
        ("an unknown type", json!([{"type": "transfer"}])),
        ("nothing", json!([])),
        ("no array", payment()),
    ] {
        let reply = refresh(
            &world,
            &token,
            &[("authorization_details", &more.to_string())],
        )
        .await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_authorization_details".to_owned()),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_refused_narrowing_does_not_cost_the_code() {
    let world = World::new();
    let details = json!([accounts(&["list_accounts"])]);
    let code = world
        .code("dpop", &[("authorization_details", &details.to_string())])
        .await;
    let more = json!([payment()]).to_string();
    let ask = async |changes: &[(&str, &str)]| {
        let request = post(TOKEN, &changed(world.redemption("dpop", &code), changes));
        world.send(with_proof(request, &world.proof(TOKEN))).await
    };
    let reply = ask(&[("authorization_details", &more)]).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_authorization_details".to_owned())
    );
    assert_eq!(granted(&ask(&[]).await), details);
}

// RFC 9396 §9.1: filtered to the audience of the token. RFC 8707 §2.2.
#[tokio::test]
async fn an_entry_is_in_tokens_for_its_locations_only() {
    let world = World::new();
    let (here, there) = (located(API), located(OTHER_API));
    let details = json!([here, there, payment()]);
    let code = world
        .code("dpop", &[("authorization_details", &details.to_string())])
        .await;
    let reply = world.redeem(&code).await;
    assert_eq!(granted(&reply), details);
    let claims = claims_of(&reply.text("access_token"));
    assert_eq!(
        claims["aud"],
        json!([API, OTHER_API]),
        "the locations are asked for too"
    );
    let token = reply.text("refresh_token");
    for (resource, expected) in [
        (API, json!([here, payment()])),
        (OTHER_API, json!([there, payment()])),
    ] {
        let reply = refresh(&world, &token, &[("resource", resource)]).await;
        assert_eq!(granted(&reply), expected, "{resource}");
    }
    let only = json!([there]).to_string();
    let code = world
        .code("dpop", &[("authorization_details", &only), ("scope", "")])
        .await;
    let claims = claims_of(&world.redeem(&code).await.text("access_token"));
    assert_eq!(
        claims["aud"], OTHER_API,
        "nothing in it is for the usual one"
    );
    let reply = world
        .push(&[("authorization_details", &only), ("resource", API)])
        .await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_target".to_owned()),
        "it would be in no token"
    );
}

// A server that was configured anew since the request was pushed.
#[tokio::test]
async fn what_can_no_longer_be_shown_cannot_be_approved() {
    let world = World::new();
    let (mut browser, page) = consent_page(&world, &json!([payment()]), &[]).await;
    let [mut payments, accounts] = types();
    payments
        .members
        .retain(|member| member.name != "creditorName");
    let anew = World::with_types([payments, accounts], |builder| {
        builder
            .store(world.store.clone())
            .clock(world.clock.clone())
    });
    let mut same_browser = Browser::new(&anew);
    same_browser.cookies.clone_from(&browser.cookies);
    let refused = (400, "invalid_request".to_owned());
    assert_eq!(error_page(&same_browser.get(&page.path).await), refused);
    let reply = same_browser.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&reply), refused);
    assert!(world.store.is_empty(RecordKind::Code) && world.store.is_empty(RecordKind::Grant));
    crate::browser::landed(&browser.submit(&page, &[], "approve").await);
}

// Nor can a scope be granted that the page cannot name, because another instance took the request, say.
#[tokio::test]
async fn a_scope_that_is_not_known_here_is_neither_left_out_nor_approved() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let secret = request_uri.rsplit(':').next().unwrap();
    let key = RecordKey::of_secret(RecordKind::PushedRequest, secret);
    let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
    let stored = String::from_utf8(stored).unwrap();
    let record = Record {
        value: stored
            .replacen("\"accounts\"", "\"accounts retired\"", 1)
            .into_bytes(),
        expires: world.now().plus(Duration::from_secs(600)),
    };
    world.store.put(key, record, world.now()).await.unwrap();
    let mut browser = Browser::new(&world);
    let path = crate::browser::authorize("dpop", &request_uri);
    let reply = browser.get(&path).await;
    assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    assert!(world.store.is_empty(RecordKind::Code));
}

// The MAC of the pages covers what is asked for: a form approves what its page showed, even if the store does not keep
// what it was given.
#[tokio::test]
async fn what_changes_behind_the_page_is_not_approved_by_it() {
    let world = World::new();
    let pushed = world
        .push(&[("authorization_details", &json!([payment()]).to_string())])
        .await;
    let request_uri = pushed.text("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;

    let secret = request_uri.rsplit(':').next().unwrap();
    let key = RecordKey::of_secret(RecordKind::PushedRequest, secret);
    let stored = world.store.get(key, world.now()).await.unwrap().unwrap();
    let stored = String::from_utf8(stored).unwrap();
    assert!(stored.contains("123.50"));
    for (from, to) in [
        ("123.50", "999.50"),
        ("Merchant A", "Merchant B"),
        ("\"accounts\"", "\"payments\""),
    ] {
        let record = Record {
            value: stored.replacen(from, to, 1).into_bytes(),
            expires: world.now().plus(Duration::from_secs(600)),
        };
        world.store.put(key, record, world.now()).await.unwrap();
        let reply = browser.submit(&page, &[], "approve").await;
        assert_eq!(
            error_page(&reply),
            (400, "invalid_request".to_owned()),
            "{to}"
        );
    }
    assert!(world.store.is_empty(RecordKind::Code));
}
