//! Out of the authorization server's session (OpenID Connect RP-Initiated Logout §2, §3).

use std::collections::HashMap;

use serde_json::json;
use tower_fapi::client::{ClientError, LogoutRequest, PendingLogout};

use crate::{
    seal::{signed_in, signing_server},
    support::{METADATA, client, key, log_in, metadata, named_client, request},
};

fn query(pending: &PendingLogout) -> HashMap<String, String> {
    pending.url().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_logout_says_whose_it_is_and_where_it_leads() {
    let signer = key();
    let server = signing_server(&signer).await;
    let client = client(&server);
    let tokens = signed_in(&client, &server, &signer).await;
    let request = LogoutRequest::of(&tokens)
        .post_logout_redirect_uri("https://app.example/bye?tenant=7&x=y")
        .unwrap()
        .ui_locales("de en")
        .logout_hint("alice@example.com");
    let pending = client.log_out(&request).await.unwrap();
    assert!(
        pending
            .url()
            .as_str()
            .starts_with(&server.url("/logout?lang=de&"))
    );
    let state = pending.state().unwrap();
    let hint = tokens.id_token().unwrap().text().secret();
    let expected = [
        ("lang", "de"),
        ("client_id", "app 1"),
        ("id_token_hint", hint),
        (
            "post_logout_redirect_uri",
            "https://app.example/bye?tenant=7&x=y",
        ),
        ("state", state),
        ("ui_locales", "de en"),
        ("logout_hint", "alice@example.com"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query(&pending), HashMap::from(expected));
    let (endpoint, form) = pending.form();
    assert_eq!(endpoint.as_str(), server.url("/logout?lang=de"));
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut form: HashMap<_, _> = form.map(owned).collect();
    form.insert("lang".to_owned(), "de".to_owned());
    assert_eq!(form, query(&pending));
    assert!(state.len() >= 22, "128 bits");
    assert_eq!(
        PendingLogout::check_return(state, &format!("?state={state}")),
        Ok(())
    );
    let shown = format!("{request:?} {pending:?}");
    for secret in [hint, state, "alice"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let next = client.log_out(&request).await.unwrap();
    assert_ne!(next.state(), pending.state());
}

// RP-Initiated Logout §2: the hint is an ID token of this provider, issued to this client; nobody else is to read it.
#[tokio::test]
async fn an_id_token_of_another_server_or_client_is_shown_to_nobody() {
    let signer = key();
    let server = signing_server(&signer).await;
    let other = signing_server(&key()).await;
    let tokens = signed_in(&client(&server), &server, &signer).await;
    let id_token = tokens.id_token().unwrap();
    for stranger in [client(&other), named_client(&server, "app 2")] {
        for request in [
            LogoutRequest::of(&tokens),
            LogoutRequest::new().id_token_hint(id_token),
        ] {
            let refused = stranger.log_out(&request).await;
            assert!(matches!(refused, Err(ClientError::ForeignGrant)));
        }
    }
    let again = request().scope("openid").unwrap().id_token_hint(id_token);
    let refused = client(&other).authorize(&again).await;
    assert!(matches!(refused, Err(ClientError::ForeignGrant)));
    assert_eq!(other.seen("/par").len(), 0);
}

#[tokio::test]
async fn a_logout_needs_no_more_than_the_endpoint() {
    let server = signing_server(&key()).await;
    let client = client(&server);
    let tokens = log_in(&client, &server).await;
    for request in [LogoutRequest::new(), LogoutRequest::of(&tokens)] {
        let pending = client.log_out(&request).await.unwrap();
        assert_eq!(pending.state(), None);
        let mut names: Vec<_> = query(&pending).into_keys().collect();
        names.sort();
        assert_eq!(names, ["client_id", "lang"]);
    }

    let other = crate::support::willing_server().await;
    let client = crate::support::client(&other);
    let refused = client.log_out(&LogoutRequest::new()).await;
    assert!(matches!(
        refused,
        Err(ClientError::MissingEndpoint("end_session_endpoint"))
    ));
    let plain = json!({"end_session_endpoint": "http://as.example/logout"});
    let third = crate::support::willing_server().await;
    third.says(METADATA, [metadata(&third, &plain)]);
    let client = crate::support::client(&third);
    let refused = client.log_out(&LogoutRequest::new()).await;
    assert!(matches!(refused, Err(ClientError::Metadata(_))));
}
