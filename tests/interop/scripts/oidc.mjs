// oauth4webapi: OpenID Connect. Who has signed in, and how.
import assert from "node:assert/strict";

import { compactDecrypt, decodeProtectedHeader, importJWK } from "jose";
import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { challenged, failed, input, ok } from "./input.mjs";
import { Party, discover } from "./party.mjs";

const { alice: person, bob: other } = input.people;
const alice = new Browser("alice");
const scope = "openid email accounts";
const requireIdToken = true;

/** Logs somebody in, and gives the tokens with what the ID token says. */
async function logIn(party, browser, parameters = {}, expectations = {}) {
  const nonce = oauth.generateRandomNonce();
  const expected = { requireIdToken, expectedNonce: nonce, ...expectations };
  const tokens = await party.logIn(browser, { scope, nonce, ...parameters }, expected);
  await oauth.validateApplicationLevelSignature(party.as, party.answer, party.options);
  return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

const as = await discover("oidc");
assert.ok(as.scopes_supported.includes("openid"));

for (const [id, alg] of [
  ["oidc", "ES256"],
  ["oidc-ps256", "PS256"],
  ["oidc-eddsa", "EdDSA"],
]) {
  const party = await Party.of(id);
  const { tokens, claims } = await logIn(party, alice);
  assert.equal(decodeProtectedHeader(tokens.id_token).alg, alg);
  assert.equal(claims.sub, person.subject);
  assert.equal(typeof claims.auth_time, "number");
  ok(`${id}: an ID token, its signature and its nonce`);
  const told = await party.userinfo(tokens, person.subject);
  assert.equal(told.email, "alice@example.com");
  ok(`${id}: userinfo, ${party.client.userinfo_signed_response_alg ?? "not"} signed`);
}

const party = await Party.of("oidc");
const long = "n".repeat(384);
await party.logIn(alice, { scope, nonce: long }, { requireIdToken, expectedNonce: long });
ok("a nonce of 384 characters");
await failed(party.logIn(alice, { scope, nonce: "one" }, { requireIdToken, expectedNonce: "other" }), {
  code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
});
ok("the nonce of another request is noticed");
const { tokens } = await logIn(party, alice);
const again = await party.refresh(tokens);
const { sub, nonce } = oauth.getValidatedIdTokenClaims(again);
assert.deepEqual([sub, nonce], [person.subject, undefined]);
ok("an ID token with the refreshed access token");

const before = alice.pages.length;
const recent = await logIn(party, alice, { max_age: "600" }, { maxAge: 600 });
assert.deepEqual(alice.pages.slice(before), ["consent"]);
assert.equal(typeof recent.claims.auth_time, "number");
await logIn(party, alice, { prompt: "login", max_age: "0" }, { maxAge: 5 });
assert.ok(alice.pages.slice(before).includes("sign-in"));
ok("max_age and prompt=login");
const bob = new Browser("bob");
const { claims } = await logIn(party, bob, { acr_values: input.two_factors });
assert.deepEqual([claims.sub, claims.acr], [other.subject, input.two_factors]);
ok("acr of two factors");

const plain = await party.logIn(alice, { scope: "accounts" });
assert.equal(plain.id_token, undefined);
ok("no ID token without the scope openid");

const sealed = await Party.of("oidc-sealed");
const key = await importJWK(input.clients["oidc-sealed"].decryption_key, "ECDH-ES+A256KW");
sealed.options[oauth.jweDecrypt] = async (jwe) => new TextDecoder().decode((await compactDecrypt(jwe, key)).plaintext);
const hidden = await logIn(sealed, alice);
assert.equal(hidden.tokens.id_token.split(".").length, 5);
assert.equal(hidden.claims.sub, person.subject);
ok("an encrypted ID token");
assert.equal((await sealed.userinfo(hidden.tokens, person.subject)).email, "alice@example.com");
ok("encrypted userinfo");

const certified = await Party.of("mtls");
const bound = await logIn(certified, alice);
assert.equal((await certified.userinfo(bound.tokens, person.subject)).email, "alice@example.com");
ok("userinfo with a certificate, at the alias");

const less = await logIn(party, alice, { scope: "openid" });
assert.equal((await party.userinfo(less.tokens, person.subject)).email, undefined);
ok("userinfo holds what was asked for by scope");
await failed(party.userinfo(less.tokens, other.subject), { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
ok("userinfo of somebody else is noticed");
await party.revoke(less.tokens.access_token);
await failed(party.userinfo(less.tokens, person.subject), challenged(401, "invalid_token"));
ok("no userinfo for a token that was revoked");
await failed(party.userinfo(plain, person.subject), challenged(403, "insufficient_scope"));
ok("no userinfo without the scope openid");
