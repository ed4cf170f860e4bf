// openid-client, as its documentation has it. It meets demands for nonces by itself.
import assert from "node:assert/strict";

import { importJWK } from "jose";
import * as client from "openid-client";

import { Browser } from "./browser.mjs";
import { challenged, failed, fetchWith, input, ok } from "./input.mjs";
import { signingKey } from "./keys.mjs";

const alice = new Browser("alice");
const API = new URL(`${input.api}/plain/accounts`);

async function configured(id, metadata = {}, from = input.clients[id]) {
  const { key, certificate } = from;
  const signing = key && (await signingKey(key));
  const config = await client.discovery(
    new URL(input.issuer),
    id,
    { use_mtls_endpoint_aliases: certificate !== undefined, ...metadata },
    signing ? client.PrivateKeyJwt(signing) : client.TlsClientAuth(),
    { algorithm: "oauth2", [client.customFetch]: fetchWith(certificate) },
  );
  const DPoP = certificate ? undefined : client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  return { config, signing, options: { DPoP } };
}

async function logIn({ config, signing, options }, parameters = {}, { signed = false, decision, ...more } = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  let all = new URLSearchParams({
    redirect_uri: input.callback,
    scope: "accounts",
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...parameters,
  });
  if (signed) all = (await client.buildAuthorizationUrlWithJAR(config, all, signing)).searchParams;
  const url = await client.buildAuthorizationUrlWithPAR(config, all, options);
  const back = await alice.visit(url, decision);
  const checks = { pkceCodeVerifier, expectedState, ...more };
  return client.authorizationCodeGrant(config, back, checks, undefined, options);
}

/** Tells the library what it decrypts with. */
async function decrypting({ config }, { kid, alg, ...jwk }) {
  client.enableDecryptingResponses(config, ["A256GCM"], { key: await importJWK(jwk, alg), alg, kid });
}

async function ask({ config, options }, tokens, url = API) {
  const answer = await client.fetchProtectedResource(
    config,
    tokens.access_token,
    url,
    "GET",
    undefined,
    undefined,
    options,
  );
  assert.equal(answer.status, 200);
  return answer.json();
}

const dpop = await configured("dpop");
const tokens = await logIn(dpop);
assert.equal((await ask(dpop, tokens)).sub, input.people.alice.subject);
ok("private_key_jwt and DPoP: PAR, code, token, API");
await ask(dpop, await client.refreshTokenGrant(dpop.config, tokens.refresh_token, undefined, dpop.options));
ok("refresh");

const url = new URL(`${input.api}/asking/accounts`);
const askable = await logIn(dpop, { resource: `${input.api}/asking` });
const asking = await configured("asking", { introspection_signed_response_alg: "ES256" }, input.inquirers.asking);
client.enableNonRepudiationChecks(asking.config);
const { active, cnf } = await client.tokenIntrospection(asking.config, askable.access_token);
assert.deepEqual([active, typeof cnf.jkt], [true, "string"]);
ok("signed introspection");
await ask(dpop, askable, url);
await client.tokenRevocation(dpop.config, askable.access_token);
assert.equal((await client.tokenIntrospection(asking.config, askable.access_token)).active, false);
await failed(ask(dpop, askable, url), challenged(401, "invalid_token"));
ok("revocation, seen by introspection and at the API");

for (const id of ["mtls", "self-signed"]) {
  const party = await configured(id);
  const bound = await logIn(party);
  await ask(party, bound);
  await ask(party, await client.refreshTokenGrant(party.config, bound.refresh_token));
  ok(`${id}: a certificate-bound token: PAR, code, token, API, refresh`);
}

const signed = true;
const signer = await configured("signer");
await ask(signer, await logIn(signer, {}, { signed }));
ok("a signed request (RFC 9101)");
const answered = await configured("answered");
client.useJwtResponseMode(answered.config);
await ask(answered, await logIn(answered, {}, { signed }));
ok("a signed request and a signed response (JARM)");
await failed(logIn(answered, {}, { signed, decision: "deny" }), {
  code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
  error: "access_denied",
});
ok("a signed denial");
const sealed = await configured("sealed");
client.useJwtResponseMode(sealed.config);
await decrypting(sealed, input.clients.sealed.decryption_key);
await ask(sealed, await logIn(sealed, {}, { signed }));
ok("a signed request and an encrypted response");

for (const id of ["oidc", "oidc-sealed"]) {
  const party = await configured(id);
  client.enableNonRepudiationChecks(party.config);
  const key = input.clients[id].decryption_key;
  if (key) await decrypting(party, key);
  const nonce = client.randomNonce();
  const parameters = { scope: "openid accounts", nonce };
  const known = await logIn(party, parameters, { expectedNonce: nonce, idTokenExpected: true });
  assert.equal(known.claims().sub, input.people.alice.subject);
  ok(`${id}: an ID token, its signature and its nonce`);
}

const leaving = await configured("oidc");
const nonce = client.randomNonce();
const known = await logIn(leaving, { scope: "openid", nonce }, { expectedNonce: nonce });
const told = await client.fetchUserInfo(leaving.config, known.access_token, known.claims().sub, leaving.options);
assert.equal(told.sub, input.people.alice.subject);
ok("userinfo");
const state = client.randomState();
const signedOut = await alice.visit(
  client.buildEndSessionUrl(leaving.config, {
    id_token_hint: known.id_token,
    post_logout_redirect_uri: input.signed_out,
    state,
  }),
);
assert.equal(signedOut.href, `${input.signed_out}?state=${state}`);
assert.equal(alice.pages.at(-1), "sign-out");
await failed(logIn(leaving, { scope: "openid", prompt: "none" }), {
  code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
  error: "login_required",
});
ok("logout, after which nobody is signed in");

const detached = await configured("fapi1-hybrid");
client.useCodeIdTokenResponseType(detached.config);
client.enableDetachedSignatureResponseChecks(detached.config);
const mark = client.randomNonce();
const hybrid = { scope: "openid accounts", nonce: mark };
await ask(detached, await logIn(detached, hybrid, { signed, expectedNonce: mark }));
ok("FAPI 1.0: code id_token, with the response's detached signature");

await failed(logIn(dpop, { scope: "admin" }), {
  code: "OAUTH_RESPONSE_BODY_ERROR",
  error: "invalid_scope",
});
await failed(client.refreshTokenGrant(dpop.config, "invented", undefined, dpop.options), {
  code: "OAUTH_RESPONSE_BODY_ERROR",
  error: "invalid_grant",
});
ok("errors of the PAR endpoint and of the token endpoint");
