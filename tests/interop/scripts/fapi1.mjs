// oauth4webapi: clients that are held to FAPI 1.0 Advanced.
import assert from "node:assert/strict";

import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { failed, input, ok } from "./input.mjs";
import { Party } from "./party.mjs";

const alice = new Browser("alice");
const signed = true;
const validate = oauth.validateJwtAuthResponse;
const mode = { response_mode: "jwt" };
const refused = (status, error) => ({ code: "OAUTH_RESPONSE_BODY_ERROR", status, error });

/** An assertion for somebody else than the issuer by its one name. */
const naming = (party, audience) =>
  oauth.PrivateKeyJwt(party.signing, {
    [oauth.modifyAssertion]: (header, claims) => {
      claims.aud = audience;
    },
  });

for (const id of ["fapi1", "fapi1-mtls"]) {
  const party = await Party.of(id);
  // RFC 8705 has it sign nothing; its requests are signed all the same.
  const tokens = await party.logIn(alice, mode, { signed, validate });
  assert.equal(tokens.token_type, "bearer");
  await party.ask("/plain/accounts", tokens);
  await party.ask("/plain/accounts", await party.refresh(tokens));
  const { token_endpoint_auth_method: method } = input.clients[id].metadata;
  ok(`FAPI 1.0 with ${method}: request object, signed response, certificate-bound token, API, refresh`);
}

const party = await Party.of("fapi1");
const { as } = party;
for (const [what, audience] of [
  ["the token endpoint", as.token_endpoint],
  ["the PAR endpoint", as.pushed_authorization_request_endpoint],
  ["all of them", [as.issuer, as.token_endpoint, as.pushed_authorization_request_endpoint]],
]) {
  party.auth = naming(party, audience);
  await party.logIn(alice, mode, { signed, validate });
  ok(`FAPI 1.0: an assertion for ${what}`);

  const modern = await Party.of("assertion-and-certificate");
  modern.auth = naming(modern, audience);
  await failed(modern.push(), refused(401, "invalid_client"));
  ok(`FAPI 2.0: invalid_client for ${what}`);
}

/** From a request that the browser carries to the tokens. */
async function byValue(parameters, beside, expectations) {
  const { asked, ...pending } = await party.request({ ...mode, ...parameters }, { signed });
  const back = await alice.visit(party.authorizing({ request: asked.get("request"), ...beside }));
  return party.redeem(pending, back, { validate, ...expectations });
}
party.auth = oauth.PrivateKeyJwt(party.signing);
await party.ask("/plain/accounts", await byValue());
ok("FAPI 1.0: a request object by value, through the browser");
const nonce = oauth.generateRandomNonce();
const scope = "openid accounts";
const beside = { scope, response_type: "code" };
const known = await byValue({ scope, nonce }, beside, { requireIdToken: true, expectedNonce: nonce });
assert.equal(oauth.getValidatedIdTokenClaims(known).sub, input.people.alice.subject);
ok("FAPI 1.0: a request object of OpenID Connect by value, and an ID token");

const hybrid = await Party.of("fapi1-hybrid");
const detached = { scope, nonce, response_type: "code id_token" };
const checks = {
  requireIdToken: true,
  expectedNonce: nonce,
  validate: (as, client, back, state, options) =>
    oauth.validateDetachedSignatureResponse(as, client, back, nonce, state, undefined, options),
};
await hybrid.ask("/plain/accounts", await hybrid.logIn(alice, detached, { signed, ...checks }));
ok("FAPI 1.0: code id_token, with the response's detached signature");
const { asked, ...pending } = await hybrid.request(detached, { signed });
const where = { request: asked.get("request"), scope, response_type: "code id_token" };
await hybrid.redeem(pending, await alice.visit(hybrid.authorizing(where)), checks);
ok("FAPI 1.0: code id_token by value");
const refusing = await hybrid.push(detached, { signed });
const away = await alice.visit(refusing.url, "deny");
await failed(hybrid.redeem(refusing, away, checks), { code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR", error: "access_denied" });
ok("FAPI 1.0: a denial in the fragment");

await failed(party.push(mode), refused(400, "invalid_request"));
ok("FAPI 1.0: invalid_request for a request that is not signed");
await failed(party.push({}, { signed }), refused(400, "invalid_request"));
ok("FAPI 1.0: invalid_request for a response that would not be signed");
