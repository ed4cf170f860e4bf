//! Consent: what is shown is what is approved, by who was shown it.

use tower_fapi::authorization_server::store::RecordKind;

use crate::{
    browser::{Browser, Page, answer, attribute, error_page, landed},
    world::{ISSUER, World, form, post},
};

async fn consent_page(world: &World, changes: &[(&str, &str)]) -> (Browser, Page) {
    let request_uri = world.push(changes).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    let reply = browser.sign_in(&page).await;
    let page = browser.follow(reply).await;
    (browser, page)
}

// FAPI 2.0 Security Profile §5.3.2.2: the identity of the client and the scope.
#[tokio::test]
async fn the_page_says_who_wants_what() {
    let world = World::new();
    let (_, page) = consent_page(&world, &[("scope", "payments accounts")]).await;
    let text = page.text();
    for expected in [
        "The client dpop",
        "Alice",
        "See your accounts",
        "Balances too",
        "Make payments",
        "client.example",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    assert!(!text.contains("Do anything"));
    for name in ["approve", "deny"] {
        assert_eq!(attribute(&page.html(), &format!("#{name}"), "name"), name);
    }
    let (_, page) = consent_page(&world, &[("scope", "accounts")]).await;
    assert!(!page.text().contains("Make payments"));
}

// RFC 6749 §4.1.2.1, RFC 9207 §2.
#[tokio::test]
async fn who_declines_goes_back_to_the_client_with_nothing() {
    let world = World::new();
    let (mut browser, page) = consent_page(&world, &[]).await;
    let answer = answer(&landed(&browser.submit(&page, &[], "deny").await));
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(
        (answer["state"].as_str(), answer["iss"].as_str()),
        ("the state", ISSUER)
    );
    assert!(!answer.contains_key("code"));
    assert!(world.store.is_empty(RecordKind::Code) && world.store.is_empty(RecordKind::Grant));
    let again = browser.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&again), (400, "invalid_request_uri".to_owned()));
}

#[tokio::test]
async fn a_form_that_is_not_ours_approves_nothing() {
    let world = World::new();
    let (mut browser, page) = consent_page(&world, &[]).await;
    let (mut other, others_page) = consent_page(&world, &[]).await;
    let url = format!("{ISSUER}{}", page.action());
    let login_csrf = {
        let login = page.path.replacen("/consent", "/login", 1);
        Page {
            reply: browser.get(&login).await,
            path: login,
        }
        .csrf()
    };
    for (case, csrf) in [
        ("none", String::new()),
        ("made up", "x".repeat(43)),
        ("of another browser", others_page.csrf()),
        ("of the login form", login_csrf),
    ] {
        for button in ["approve", "deny"] {
            let reply = browser
                .send(post(&url, &form([("csrf", &csrf), (button, "yes")])))
                .await;
            assert_eq!(
                error_page(&reply),
                (403, "invalid_request".to_owned()),
                "{case} {button}"
            );
        }
    }
    for fields in [
        form([("csrf", &page.csrf())]),
        form([("csrf", &page.csrf()), ("approve", "yes"), ("deny", "yes")]),
        form([
            ("csrf", &page.csrf()),
            ("approve", "yes"),
            ("approve", "yes"),
        ]),
    ] {
        let reply = browser.send(post(&url, &fields)).await;
        assert_eq!(
            error_page(&reply),
            (400, "invalid_request".to_owned()),
            "{fields:?}"
        );
    }
    // The session cookie alone, in another browser, does not open the page either.
    let session = browser.cookies["__Host-session"].clone();
    other.cookies.insert("__Host-session".to_owned(), session);
    let reply = other.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    assert!(world.store.is_empty(RecordKind::Code));
    landed(&browser.submit(&page, &[], "approve").await);
}

// Who approves is who was shown the page.
#[tokio::test]
async fn a_page_shown_to_one_session_is_not_approved_by_another() {
    let world = World::new();
    let (mut browser, page) = consent_page(&world, &[]).await;
    let login = page.path.replacen("/consent", "/login", 1);
    let login = Page {
        reply: browser.get(&login).await,
        path: login,
    };
    browser.sign_in(&login).await;
    let reply = browser.submit(&page, &[], "approve").await;
    assert_eq!(error_page(&reply), (403, "invalid_request".to_owned()));
}

// FAPI 2.0 Security Profile §5.3.2.2: 303, and never 307.
#[tokio::test]
async fn no_answer_makes_the_browser_post_again() {
    let world = World::new();
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(&world);
    let opened = browser
        .get(&crate::browser::authorize("dpop", &request_uri))
        .await;
    let page = browser.follow(opened).await;
    let signed_in = browser.sign_in(&page).await;
    assert_eq!(signed_in.status, 303);
    let page = browser.follow(signed_in).await;
    let approved = browser.submit(&page, &[], "approve").await;
    assert_eq!(approved.status, 303);
    assert!(
        approved
            .headers
            .get("access-control-allow-origin")
            .is_none(),
        "§5.2.3: no CORS"
    );
}
