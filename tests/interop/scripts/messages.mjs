// oauth4webapi: signed requests (RFC 9101) and signed or encrypted responses (JARM): FAPI 2.0 Message Signing.
import assert from "node:assert/strict";

import { compactDecrypt, importJWK } from "jose";
import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { failed, input, ok } from "./input.mjs";
import { Party } from "./party.mjs";

const alice = new Browser("alice");
const signed = true;

const signer = await Party.of("signer");
await signer.ask("/plain/accounts", await signer.logIn(alice, {}, { signed }));
ok("a signed request object at the PAR endpoint (RFC 9101)");
const many = { resource: `${input.api}/sealed`, login_hint: "alice", state: "s".repeat(1000) };
await signer.logIn(alice, many, { signed });
ok("a signed request object with more parameters, and a state of 1000 characters");
const { as } = signer;
assert.ok(as.request_object_encryption_alg_values_supported.includes("ECDH-ES+A256KW"));
await signer.ask("/plain/accounts", await signer.logIn(alice, {}, { signed, encrypted: true }));
ok("a signed and encrypted request object");

const validate = oauth.validateJwtAuthResponse;
const answered = await Party.of("answered");
for (const response_mode of ["jwt", "query.jwt"]) {
  const tokens = await answered.logIn(alice, { response_mode }, { signed, validate });
  await answered.ask("/plain/accounts", tokens);
  ok(`a signed response to a signed request: ${response_mode}`);
}
const denied = await answered.push({ response_mode: "jwt" }, { signed });
const back = await alice.visit(denied.url, "deny");
await failed(answered.redeem(denied, back, { validate }), {
  name: "AuthorizationResponseError",
  error: "access_denied",
});
ok("a signed denial");

const sealed = await Party.of("sealed");
const key = await importJWK(input.clients.sealed.decryption_key, "ECDH-ES+A256KW");
sealed.options[oauth.jweDecrypt] = async (jwe) =>
  new TextDecoder().decode((await compactDecrypt(jwe, key)).plaintext);
const tokens = await sealed.logIn(alice, { response_mode: "jwt" }, { signed, validate });
await sealed.ask("/plain/accounts", tokens);
ok("a signed and encrypted response");

// What is not signed, or by somebody else.
const refused = (error) => ({ name: "ResponseBodyError", status: 400, error });
const { asked } = await signer.request({}, { signed, encrypted: true });
const parts = asked.get("request").split(".");
parts[3] = parts[3].replace(/^..../, "AAAA");
asked.set("request", parts.join("."));
const broken = oauth.pushedAuthorizationRequest(as, signer.client, signer.auth, asked, signer.options);
const read = broken.then((answer) => oauth.processPushedAuthorizationResponse(as, signer.client, answer));
await failed(read, refused("invalid_request_object"));
ok("invalid_request_object for one that cannot be decrypted");
await failed(signer.push(), refused("invalid_request"));
ok("invalid_request for an unsigned request of a client that signs");
const other = Object.assign(new Party(), signer, { signing: answered.signing });
await failed(other.push({}, { signed }), refused("invalid_request_object"));
ok("invalid_request_object for the signature of another client's key");
