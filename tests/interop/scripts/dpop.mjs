// oauth4webapi: clients with private_key_jwt and DPoP, and what the APIs and the server's other endpoints say of their tokens.
import assert from "node:assert/strict";

import { compactDecrypt, importJWK } from "jose";
import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { failed, fetchWith, input, ok } from "./input.mjs";
import { Inquirer, Party, discover } from "./party.mjs";

const PAYMENT = {
  type: "payment_initiation",
  instructedAmount: { currency: "EUR", amount: "123.50" },
  creditorName: "Merchant",
  creditorAccount: { iban: "DE02100100109307118603" },
};

const alice = new Browser("alice");

async function metadata() {
  const documents = [await discover("oauth2"), await discover("oidc")];
  assert.deepEqual(documents[0], documents[1]);
  ok("authorization server metadata by RFC 8414 and by OpenID Connect Discovery");

  const resource = new URL(`${input.api}/plain`);
  const answer = await oauth.resourceDiscoveryRequest(resource, { [oauth.customFetch]: fetchWith() });
  const api = await oauth.processResourceDiscoveryResponse(resource, answer);
  assert.deepEqual(api.authorization_servers, [input.issuer]);
  ok("protected resource metadata (RFC 9728)");
}

async function flows() {
  for (const id of ["dpop", "dpop-ps256", "dpop-eddsa"]) {
    const party = await Party.of(id);
    if (id !== "dpop") await party.newKey(id === "dpop-ps256" ? "PS256" : "Ed25519");
    const tokens = await party.logIn(alice);
    assert.equal(tokens.token_type, "dpop");
    const seen = await party.ask("/plain/accounts", tokens);
    assert.equal(seen.sub, input.people.alice.subject);
    assert.equal(seen.client_id, id);
    ok(`${id}: private_key_jwt and DPoP: PAR, code, token, API`);
  }
  assert.deepEqual(alice.pages, ["sign-in", "consent", "consent", "consent"]);
  ok("a browser that signs in once");
}

/** The library in the place of the API: it judges token and proof, too. */
async function verified(party, tokens) {
  let headers;
  const taking = party.changing((all) => ((headers = all), all));
  await party.ask("/plain/accounts", tokens, "GET", taking);
  const request = new Request(`${input.api}/plain/accounts`, { headers });
  const claims = await oauth.validateJwtAccessToken(party.as, request, `${input.api}/plain`, {
    requireDPoP: true,
    [oauth.customFetch]: fetchWith(),
  });
  assert.deepEqual([claims.client_id, claims.scope], ["dpop", "accounts"]);
  ok("an access token and a proof as the library judges them (RFC 9068, RFC 9449)");
}

async function refreshed(party, tokens) {
  const again = await party.refresh(tokens);
  await party.ask("/plain/accounts", again);
  ok("refresh");
  const old = party.options;
  await party.newKey();
  const bound = await party.refresh(tokens);
  await party.ask("/plain/accounts", bound);
  party.options = old;
  ok("refresh with another DPoP key");
}

async function asked(party) {
  const inquirer = await Inquirer.of("asking");
  const tokens = await party.logIn(alice, { resource: `${input.api}/asking`, scope: "accounts payments" });
  const plain = await inquirer.ask(tokens.access_token);
  assert.equal(plain.type, "application/json");
  assert.equal(plain.active, true);
  assert.equal(plain.sub, input.people.alice.subject);
  assert.equal(plain.scope, "accounts payments");
  assert.equal(plain.token_type.toLowerCase(), "dpop");
  assert.equal(typeof plain.cnf.jkt, "string");
  ok("introspection (RFC 7662)");
  const signed = await inquirer.ask(tokens.access_token, { requestJwtResponse: true });
  assert.equal(signed.type, "application/token-introspection+jwt");
  assert.deepEqual({ ...signed, type: 0 }, { ...plain, type: 0 });
  ok("signed introspection (RFC 9701)");

  await party.ask("/asking/accounts", tokens);
  await party.revoke(tokens.access_token);
  assert.equal((await inquirer.ask(tokens.access_token)).active, false);
  await assert.rejects(party.ask("/asking/accounts", tokens), (error) => {
    assert.equal(error.cause[0].parameters.error, "invalid_token");
    return true;
  });
  ok("revocation of an access token, seen by introspection and at the API (RFC 7009)");

  const second = await party.refresh(tokens);
  await party.ask("/asking/accounts", second);
  await party.revoke(second.refresh_token ?? tokens.refresh_token);
  assert.equal((await inquirer.ask(second.access_token)).active, false);
  await assert.rejects(party.refresh(tokens), { error: "invalid_grant" });
  ok("revocation of a refresh token, which takes what it gave along");
}

async function sealed(party) {
  const tokens = await party.logIn(alice, { resource: `${input.api}/sealed` });
  assert.equal(tokens.access_token.split(".").length, 5);
  await party.ask("/sealed/accounts", tokens);
  ok("an encrypted access token at the API (RFC 7516), introspected there with encrypted answers");

  const inquirer = await Inquirer.of("sealed-api");
  const key = await importJWK(input.inquirers["sealed-api"].decryption_key, "ECDH-ES+A256KW");
  const decrypt = async (jwe) => new TextDecoder().decode((await compactDecrypt(jwe, key)).plaintext);
  const options = { requestJwtResponse: true, [oauth.jweDecrypt]: decrypt };
  assert.equal((await inquirer.ask(tokens.access_token, options)).active, true);
  ok("encrypted introspection (RFC 9701)");
}

async function payments(party) {
  const details = { scope: undefined, authorization_details: JSON.stringify([PAYMENT]) };
  const tokens = await party.logIn(alice, details);
  assert.deepEqual(tokens.authorization_details, [PAYMENT]);
  const seen = await party.ask("/plain/token", tokens);
  assert.deepEqual(seen.authorization_details, [PAYMENT]);
  ok("authorization details (RFC 9396)");

  let challenge;
  await assert.rejects(party.ask("/plain/payments", tokens, "POST"), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError);
    assert.equal(error.status, 401);
    [challenge] = error.cause;
    return true;
  });
  assert.equal(challenge.scheme, "dpop");
  assert.equal(challenge.parameters.error, "insufficient_user_authentication");
  const bob = new Browser("bob");
  const { acr_values } = challenge.parameters;
  const stronger = await party.logIn(bob, { ...details, acr_values });
  assert.deepEqual(bob.pages, ["sign-in", "second factor", "consent"]);
  const paid = await party.ask("/plain/payments", stronger, "POST");
  assert.equal(paid.acr, input.two_factors);
  ok("step-up: the API's challenge, a second factor, and the payment (RFC 9470)");
}

async function alone() {
  const party = await Party.of("alone");
  const tokens = await party.clientCredentials({ scope: "reports" });
  const seen = await party.ask("/plain/reports", tokens);
  assert.deepEqual([seen.sub, seen.client_id], ["alone", "alone"]);
  ok("a token on the client's own behalf (RFC 6749 §4.4)");
  const beyond = { code: "OAUTH_RESPONSE_BODY_ERROR", error: "invalid_scope" };
  await failed(party.clientCredentials({ scope: "accounts" }), beyond);
  const unregistered = { code: "OAUTH_RESPONSE_BODY_ERROR", error: "unauthorized_client" };
  await failed((await Party.of("dpop")).clientCredentials({ scope: "accounts" }), unregistered);
  ok("nothing of a person's by that way, and nothing for clients that are not registered for it");
}

await metadata();
await alone();
await flows();
const party = await Party.of("dpop");
const tokens = await party.logIn(alice);
await verified(party, tokens);
await refreshed(party, tokens);
await asked(party);
await sealed(party);
await payments(party);
