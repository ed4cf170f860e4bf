//! Where an issuer's metadata lies, and fetching it from there.

use url::Url;

use super::{
    fetch_error::FetchError,
    fetcher::{Document, Fetcher},
    issuer_url::IssuerUrl,
    metadata::AuthorizationServerMetadata,
};
use crate::jose::json;

/// Where to look for an issuer's metadata.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetadataLocation {
    /// Where RFC 8414 puts it and, if it is not there, where OpenID Connect Discovery does.
    #[default]
    Either,
    /// `/.well-known/oauth-authorization-server` between host and path of the issuer (RFC 8414 §3.1).
    OAuth,
    /// `/.well-known/openid-configuration` behind the path of the issuer (OpenID Connect Discovery 1.0 §4).
    OpenId,
}

impl MetadataLocation {
    /// The places to try, in order.
    fn urls(self, issuer: &IssuerUrl) -> (Url, Option<Url>) {
        let at = |path: String| {
            let mut url = issuer.url().clone();
            url.set_path(&path);
            url
        };
        // "any terminating "/" MUST be removed", in both specifications.
        let path = issuer.url().path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let oauth = || at(format!("/.well-known/oauth-authorization-server{path}"));
        let openid = || at(format!("{path}/.well-known/openid-configuration"));
        match self {
            Self::Either => (oauth(), Some(openid())),
            Self::OAuth => (oauth(), None),
            Self::OpenId => (openid(), None),
        }
    }
}

impl Fetcher {
    /// Fetches the metadata of `issuer`, and believes it only if it is about exactly that issuer (RFC 8414 §3.3) and every
    /// endpoint in it is `https`.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if it cannot be had or cannot be believed. Of two places, the error is the one that tells more.
    pub async fn metadata(
        &self,
        issuer: &IssuerUrl,
        location: MetadataLocation,
    ) -> Result<AuthorizationServerMetadata, FetchError> {
        Ok(self.metadata_document(issuer, location).await?.0)
    }

    /// The same, with the document it was read from.
    pub(super) async fn metadata_document(
        &self,
        issuer: &IssuerUrl,
        location: MetadataLocation,
    ) -> Result<(AuthorizationServerMetadata, Document), FetchError> {
        let (first, second) = location.urls(issuer);
        match (self.metadata_at(&first, issuer).await, second) {
            (Ok(found), _) => Ok(found),
            // A server that cannot be reached or is overloaded is not asked a second question.
            (Err(error), Some(second)) if error.is_answer() => self
                .metadata_at(&second, issuer)
                .await
                .map_err(|second| match second {
                    FetchError::Status(status) if status.is_client_error() => error,
                    telling => telling,
                }),
            (Err(error), _) => Err(error),
        }
    }

    async fn metadata_at(
        &self,
        url: &Url,
        issuer: &IssuerUrl,
    ) -> Result<(AuthorizationServerMetadata, Document), FetchError> {
        let document = self.document(url).await?;
        let metadata: AuthorizationServerMetadata =
            json::from_slice(&document.body).map_err(FetchError::Metadata)?;
        if metadata.issuer != issuer.as_str() {
            // It ends up in logs: not more of it than tells the operator what is wrong.
            let found = metadata.issuer.chars().take(200).collect();
            return Err(FetchError::IssuerMismatch(found));
        }
        for (member, endpoint) in metadata.endpoints() {
            if !self.permits(endpoint) {
                return Err(FetchError::InsecureEndpoint(member));
            }
        }
        Ok((metadata, document))
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{
        FetcherBuilder,
        test_server::{Page, TestServer},
    };
    use http::StatusCode;

    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";

    fn fetcher() -> Fetcher {
        // A busy machine is no fault of the issuer's.
        let patient = Fetcher::builder()
            .timeout(FetcherBuilder::MAX_TIMEOUT)
            .unwrap();
        patient.dangerous().http_on_loopback().build().unwrap()
    }

    fn document(issuer: &str) -> Page {
        Page::json(format!(r#"{{"issuer":"{issuer}"}}"#))
    }

    async fn fetch(
        server: &TestServer,
        issuer_path: &str,
        location: MetadataLocation,
    ) -> Result<String, FetchError> {
        let issuer = server.url(issuer_path).parse().unwrap();
        let metadata = fetcher().metadata(&issuer, location).await?;
        Ok(metadata.issuer)
    }

    // RFC 8414 §3.1, OpenID Connect Discovery 1.0 §4.
    #[test]
    fn metadata_lies_where_the_specifications_put_it() {
        for (issuer, oauth, openid) in [
            (
                "https://as.example",
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
            ),
            (
                "https://as.example/",
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
            ),
            (
                "https://as.example/issuer1",
                "https://as.example/.well-known/oauth-authorization-server/issuer1",
                "https://as.example/issuer1/.well-known/openid-configuration",
            ),
            (
                "https://as.example:8443/a/b%20c/",
                "https://as.example:8443/.well-known/oauth-authorization-server/a/b%20c",
                "https://as.example:8443/a/b%20c/.well-known/openid-configuration",
            ),
        ] {
            let issuer: IssuerUrl = issuer.parse().unwrap();
            let urls = |location: MetadataLocation| {
                let (first, second) = location.urls(&issuer);
                (first.to_string(), second.map(|url| url.to_string()))
            };
            assert_eq!(urls(MetadataLocation::OAuth), (oauth.to_owned(), None));
            assert_eq!(urls(MetadataLocation::OpenId), (openid.to_owned(), None));
            assert_eq!(
                urls(MetadataLocation::Either),
                (oauth.to_owned(), Some(openid.to_owned()))
            );
        }
    }

    #[tokio::test]
    async fn the_second_place_is_asked_only_if_the_first_does_not_hold_it() {
        for path in ["", "/tenant/a"] {
            let server = TestServer::start().await;
            let issuer = server.url(path);
            let (oauth, openid) = (format!("{OAUTH}{path}"), format!("{path}{OPENID}"));

            server.put(&openid, document(&issuer));
            let found = fetch(&server, path, MetadataLocation::Either).await;
            assert_eq!(found.as_ref(), Ok(&issuer));
            assert_eq!(server.requests(), [oauth.clone(), openid.clone()]);

            server.put(&oauth, document(&issuer));
            let found = fetch(&server, path, MetadataLocation::Either).await;
            assert_eq!(found.as_ref(), Ok(&issuer));
            assert_eq!(server.requests().len(), 3);
        }
    }

    #[tokio::test]
    async fn a_choice_of_place_is_kept() {
        let server = TestServer::start().await;
        server.put(OAUTH, document(&server.url("")));
        let missing = Err(FetchError::Status(StatusCode::NOT_FOUND));
        assert_eq!(fetch(&server, "", MetadataLocation::OpenId).await, missing);

        let server = TestServer::start().await;
        server.put(OPENID, document(&server.url("")));
        assert_eq!(fetch(&server, "", MetadataLocation::OAuth).await, missing);
    }

    #[tokio::test]
    async fn a_server_in_trouble_is_not_asked_twice() {
        for status in ["500 Oops", "503 Down", "429 Slowly"] {
            let server = TestServer::start().await;
            server.put(OAUTH, Page::with(status, "", ""));
            server.put(OPENID, document(&server.url("")));
            let found = fetch(&server, "", MetadataLocation::Either).await;
            assert!(matches!(found, Err(FetchError::Status(_))), "{found:?}");
            assert_eq!(server.requests().len(), 1, "{status}");
        }
    }

    // RFC 8414 §3.3: "MUST be identical", which no normalisation makes true.
    #[tokio::test]
    async fn metadata_of_another_issuer_is_not_believed() {
        let server = TestServer::start().await;
        for found in [
            "https://as.example".to_owned(),
            String::new(),
            server.url("/"),
            server.url("/tenant"),
            server.url("").to_uppercase(),
            server.url("").replace("127.0.0.1", "localhost"),
        ] {
            server.put(OAUTH, document(&found));
            let result = fetch(&server, "", MetadataLocation::Either).await;
            assert_eq!(result, Err(FetchError::IssuerMismatch(found)));
        }
    }

    #[tokio::test]
    async fn a_lie_in_one_place_does_not_hide_the_truth_in_the_other() {
        let server = TestServer::start().await;
        server.put(OAUTH, document("https://as.example"));
        server.put(OPENID, document(&server.url("")));
        let found = fetch(&server, "", MetadataLocation::Either).await;
        assert_eq!(found, Ok(server.url("")));
    }

    #[tokio::test]
    async fn every_endpoint_must_be_https() {
        let server = TestServer::start().await;
        let issuer = server.url("");
        for (members, refused) in [
            (r#""jwks_uri":"https://as.example/jwks""#, None),
            (r#""jwks_uri":"http://127.0.0.1/jwks""#, None),
            (r#""jwks_uri":"http://as.example/jwks""#, Some("jwks_uri")),
            (r#""jwks_uri":"file:///etc/jwks""#, Some("jwks_uri")),
            (r#""jwks_uri":"data:application/json,{}""#, Some("jwks_uri")),
            (
                r#""jwks_uri":"https://me:pw@as.example/""#,
                Some("jwks_uri"),
            ),
            (
                r#""token_endpoint":"http://as.example/t""#,
                Some("token_endpoint"),
            ),
            (
                r#""mtls_endpoint_aliases":{"token_endpoint":"http://as.example/t"}"#,
                Some("token_endpoint"),
            ),
        ] {
            let text = format!(r#"{{"issuer":"{issuer}",{members}}}"#);
            server.put(OAUTH, Page::json(text));
            let expected = match refused {
                None => Ok(issuer.clone()),
                Some(member) => Err(FetchError::InsecureEndpoint(member)),
            };
            let found = fetch(&server, "", MetadataLocation::OAuth).await;
            assert_eq!(found, expected, "{members}");
        }
    }

    #[tokio::test]
    async fn garbage_is_malformed_metadata() {
        let server = TestServer::start().await;
        for text in ["", "[]", "{", "<html>", "null", r#"{"issuer":5}"#] {
            server.put(OAUTH, Page::json(text));
            let found = fetch(&server, "", MetadataLocation::Either).await;
            assert!(matches!(found, Err(FetchError::Metadata(_))), "{text}");
        }
    }
}
