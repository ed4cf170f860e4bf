//! Signing in.

use tower_fapi::jose::base64url;

use crate::{
    browser::{Browser, answer, attribute, error_page, landed},
    world::{ISSUER, World, form, post},
};

async fn login_page(world: &World) -> (Browser, crate::browser::Page) {
    let request_uri = world.push(&[]).await.text("request_uri");
    let mut browser = Browser::new(world);
    let page = browser.open("dpop", &request_uri).await;
    (browser, page)
}

#[tokio::test]
async fn the_page_names_the_client_and_can_be_driven() {
    let world = World::new();
    let (_, page) = login_page(&world).await;
    assert!(page.path.starts_with("/login?"));
    assert!(page.text().contains("The client dpop"));
    for name in ["username", "password"] {
        assert_eq!(attribute(&page.html(), &format!("#{name}"), "name"), name);
    }
    let policy = page.reply.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(
        policy.contains("form-action 'self' https://client.example;"),
        "{policy}"
    );
}

#[tokio::test]
async fn who_is_not_believed_stays_at_the_page() {
    let world = World::new();
    for (username, password, status) in [
        ("alice", "wrong", 403),
        ("alice", "", 403),
        ("", "", 403),
        ("Alice", "wonderland", 403),
        ("hatter", "x", 429),
        ("rabbit", "x", 503),
    ] {
        let (mut browser, page) = login_page(&world).await;
        let reply = browser
            .submit(
                &page,
                &[("username", username), ("password", password)],
                "login",
            )
            .await;
        assert_eq!(reply.status, status, "{username}");
        assert_eq!(
            reply.header("retry-after").is_some(),
            status != 403,
            "{username}"
        );
        assert!(
            !browser.cookies.contains_key("__Host-session"),
            "{username}"
        );
        assert!(!reply.body.contains("wonderland"));
        // Without a session there is no way to the next page.
        let consent = page.path.replacen("/login", "/consent", 1);
        let reply = browser.get(&consent).await;
        assert!(reply.header("location").unwrap().starts_with("/login?"));
        let forged = form([("csrf", &page.csrf()), ("approve", "yes")]);
        let reply = browser
            .send(post(&format!("{ISSUER}{consent}"), &forged))
            .await;
        assert!(
            reply.header("location").unwrap().starts_with("/login?"),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_form_that_is_not_ours_signs_nobody_in() {
    let world = World::new();
    let (mut browser, page) = login_page(&world).await;
    let (_, other) = login_page(&world).await;
    let url = format!("{ISSUER}{}", page.action());
    // What authenticates the page's URL, which others may have seen, is not what authenticates its form.
    let (_, handle) = page.path.split_once("interaction=").unwrap();
    let handle = base64url::decode(handle).unwrap();
    let of_the_url = base64url::encode(&handle[handle.len() - 32..]);
    for csrf in ["", "x", &other.csrf(), &of_the_url] {
        let fields = form([
            ("csrf", csrf),
            ("username", "alice"),
            ("password", "wonderland"),
        ]);
        let reply = browser.send(post(&url, &fields)).await;
        assert_eq!(reply.status, 403, "{csrf}");
        assert!(!browser.cookies.contains_key("__Host-session"));
        let denied = browser
            .send(post(&url, &form([("csrf", csrf), ("deny", "yes")])))
            .await;
        assert_eq!(denied.status, 403, "{csrf}");
    }
    let mut twice = form([
        ("csrf", &page.csrf()),
        ("username", "alice"),
        ("password", "wonderland"),
    ]);
    twice.extend(form([("username", "eve")]));
    let reply = browser.send(post(&url, &twice)).await;
    assert_eq!(error_page(&reply), (400, "invalid_request".to_owned()));
    assert_eq!(
        browser.sign_in(&page).await.status,
        303,
        "the true form still works"
    );
}

// A session has a new identifier whenever somebody signs in: one that was planted is worth nothing.
#[tokio::test]
async fn signing_in_renews_the_session() {
    let world = World::new();
    let (mut browser, page) = login_page(&world).await;
    let planted = "A".repeat(43);
    browser
        .cookies
        .insert("__Host-session".to_owned(), planted.clone());
    browser.sign_in(&page).await;
    let first = browser.cookies["__Host-session"].clone();
    assert_ne!(first, planted);

    let reply = browser.sign_in(&page).await;
    assert_eq!(reply.status, 303);
    let second = browser.cookies["__Host-session"].clone();
    assert_ne!(second, first);
    // The former one has ended.
    let consent = page.path.replacen("/login", "/consent", 1);
    assert_eq!(browser.get(&consent).await.status, 200);
    browser.cookies.insert("__Host-session".to_owned(), first);
    assert_eq!(browser.get(&consent).await.status, 303);
}

// A session's cookie that was stolen, or planted, is worth nothing in another browser.
#[tokio::test]
async fn a_session_stays_in_its_browser() {
    let world = World::new();
    let (mut browser, page) = login_page(&world).await;
    browser.sign_in(&page).await;
    let session = browser.cookies["__Host-session"].clone();
    for own_pages in [true, false] {
        let (mut thief, page) = login_page(&world).await;
        if !own_pages {
            thief = Browser::new(&world);
        }
        thief
            .cookies
            .insert("__Host-session".to_owned(), session.clone());
        let request_uri = world.push(&[]).await.text("request_uri");
        let opened = thief.open("dpop", &request_uri).await;
        assert!(opened.path.starts_with("/login?"), "{}", opened.path);
        let consent = page.path.replacen("/login", "/consent", 1);
        assert_ne!(thief.get(&consent).await.status, 200);
    }
    let consent = page.path.replacen("/login", "/consent", 1);
    assert_eq!(browser.get(&consent).await.status, 200);
}

#[tokio::test]
async fn who_is_signed_in_is_not_asked_again_until_the_session_ends() {
    let world = World::new();
    let (mut browser, page) = login_page(&world).await;
    browser.sign_in(&page).await;
    let request_uri = world.push(&[]).await.text("request_uri");
    let page = browser.open("dpop", &request_uri).await;
    assert!(page.path.starts_with("/consent?"), "{}", page.path);
    assert!(page.text().contains("Alice"));

    world.advance(1799);
    let request_uri = world.push(&[]).await.text("request_uri");
    assert!(
        browser
            .open("dpop", &request_uri)
            .await
            .path
            .starts_with("/consent?")
    );
    world.advance(1);
    assert!(
        browser
            .open("dpop", &request_uri)
            .await
            .path
            .starts_with("/login?")
    );
}

// RFC 6749 §4.1.2.1, RFC 9207 §2.
#[tokio::test]
async fn who_cancels_goes_back_to_the_client() {
    let world = World::new();
    let (mut browser, page) = login_page(&world).await;
    let url = landed(
        &browser
            .submit(&page, &[("username", ""), ("password", "")], "deny")
            .await,
    );
    let answer = answer(&url);
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(
        (answer["state"].as_str(), answer["iss"].as_str()),
        ("the state", ISSUER)
    );
    assert!(!answer.contains_key("code"));
    let again = browser.get(&page.path).await;
    assert_eq!(error_page(&again), (400, "invalid_request_uri".to_owned()));
}
