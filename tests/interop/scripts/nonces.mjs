// oauth4webapi: DPoP nonces at the authorization server and at the API (RFC 9449 §8 and §9).
import assert from "node:assert/strict";

import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { challenged, failed, ok } from "./input.mjs";
import { Party } from "./party.mjs";

const alice = new Browser("alice");
const party = await Party.of("dpop");

const pending = await party.push();
assert.equal(party.challenges, 1);
ok("a nonce demanded at the PAR endpoint, and given");
const back = await alice.visit(pending.url);
const tokens = await party.redeem(pending, back);
assert.equal(party.challenges, 1);
ok("the same nonce at the token endpoint");
await party.ask("/plain/accounts", tokens);
assert.equal(party.challenges, 2);
ok("a nonce demanded at the API, and given");
await party.ask("/plain/accounts", tokens);
await party.refresh(tokens);
assert.equal(party.challenges, 2);
ok("nonces used again at either");

// What the library sees of the demand itself, with a key that has not met these servers yet.
const once = (attempt) => attempt();
const pair = await oauth.generateKeyPair("ES256");
const newcomer = () =>
  Object.assign(new Party(), party, {
    options: { ...party.options, DPoP: oauth.DPoP(party.client, pair) },
  });
await failed(Object.assign(newcomer(), { nonceAware: once }).push(), (error) => {
  assert.ok(oauth.isDPoPNonceError(error));
  assert.deepEqual([error.status, error.error], [400, "use_dpop_nonce"]);
  assert.ok(error.response.headers.get("dpop-nonce"));
});
ok("use_dpop_nonce in the body, beside a DPoP-Nonce, at the authorization server");
const others = await newcomer().logIn(alice);
await failed(Object.assign(newcomer(), { nonceAware: once }).ask("/plain/accounts", others), (error) => {
  assert.ok(oauth.isDPoPNonceError(error));
  challenged(401, "use_dpop_nonce")(error);
  assert.ok(error.response.headers.get("dpop-nonce"));
});
ok("use_dpop_nonce in the challenge, beside a DPoP-Nonce, at the API");
