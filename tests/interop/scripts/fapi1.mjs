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

await failed(party.push(mode), refused(400, "invalid_request"));
ok("FAPI 1.0: invalid_request for a request that is not signed");
await failed(party.push({}, { signed }), refused(400, "invalid_request"));
ok("FAPI 1.0: invalid_request for a response that would not be signed");
