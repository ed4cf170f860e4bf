//! Attacks after the FAPI 2.0 Attacker Model and RFC 9700, one test each: who attacks (A1 to A7), where it is described, and
//! what stops it.
//!
//! Attacks that were tried already where the rule is tested are listed here:
//!
//! | attack | described in | tested in |
//! |---|---|---|
//! | mix-up: a response of another issuer, or without `iss` | RFC 9700 §4.4, RFC 9207 | `client/callback.rs` `a_response_of_somebody_else_reaches_no_token_endpoint`; the server's half: `authorize.rs` `the_answer_has_code_issuer_and_state_as_it_was`, `login.rs` and `consent.rs` for errors |
//! | mix-up: codes and tokens of one server sent to another | RFC 9700 §4.4, Cuckoo's token | `client/callback.rs` `codes_and_tokens_of_somebody_else_are_sent_nowhere` |
//! | metadata of somebody else | RFC 8414 §6.2 | `client/metadata.rs` `metadata_that_cannot_be_believed_is_not_acted_on` |
//! | CSRF on the client's callback | RFC 9700 §4.7 | `client/callback.rs` |
//! | ID token of another client, flow or person | OpenID Connect Core §3.1.3.7 | `client/id_token.rs` |
//! | a code redeemed twice, also at once | RFC 6749 §4.1.2 | `code.rs`, `races.rs`; over two instances `instances.rs` |
//! | a request approved in two windows | RFC 9126 §4 | `races.rs`, `instances.rs` |
//! | pages taken to another browser, damaged, or late | FAPI 2.0 Attacker Model, session integrity | `authorize.rs` `a_page_belongs_to_the_browser_that_opened_the_request` |
//! | a page shown to one person approved by another | the same | `consent.rs` `a_page_shown_to_one_session_is_not_approved_by_another` |
//! | a replayed assertion | RFC 7523 §3 | `assertion_use.rs` `an_assertion_is_used_once` |
//! | a replayed proof | RFC 9449 §11.1 | `dpop.rs` `a_proof_is_used_once`; at the resource server `redis/processes.rs` |
//! | a used one-time code | RFC 6238 §5.2 | `second_factor.rs` `a_code_is_right_once`, over instances `instances.rs` |
//! | a password without the second factor | RFC 9470 | `second_factor.rs` `a_password_alone_leads_nowhere` |
//! | open redirect and CSRF at the end of a session | OpenID Connect RP-Initiated Logout §3, §6 | `logout.rs` `nobody_is_sent_where_the_client_has_not_registered`, `nobody_is_signed_out_without_being_asked`, `a_form_that_is_not_ours_signs_nobody_out` |
//! | an ID token used as an access token | RFC 9068 §4 | `id_token.rs` `an_id_token_is_no_access_token` |
//! | an assertion for somebody else, or signed by them | FAPI 2.0 Security Profile §5.3.2.1 | `assertion.rs` |
//! | a client certificate of somebody else | RFC 8705 | `certificates.rs` |
//! | another recipient or amount than was approved | RFC 9396 §11 | `details.rs` |
//! | a signed request of somebody else, unsigned, or old | RFC 9101 §10 | `request_object.rs` |
//! | a token shown to a resource server that it is not for | RFC 7662 §4 | `introspection.rs` |
//! | a token revoked by another client | RFC 7009 §2.1 | `revocation.rs` |
//! | the attacks on resource requests | FAPI 2.0 Security Profile §5.3.4, RFC 9449 | `examples/demo/attacks`, over HTTP, behind nginx and over gRPC |
//!
//! Not stopped, because nothing in a flow of redirects can: whoever reads the authorization response in the victim's browser
//! before the client has used it (browser swapping), and an attacker who reads the authorization request, is faster than the
//! victim, and makes the victim's browser bring their own response. Both are in the security considerations of the profile;
//! what narrows them is in `code.rs` and `request.rs`.

mod code;
mod guessing;
mod pages;
mod request;
mod tokens;
