// Tokens of oidc-provider at the APIs of this crate.
import assert from "node:assert/strict";

import { Browser } from "./browser.mjs";
import { challenged, failed, fetchWith, input, ok } from "./input.mjs";
import { Inquirer, Party } from "./party.mjs";

/** Somebody in front of the pages that oidc-provider has for developers: any name will do there. */
class Developer extends Browser {
  fill(page, from) {
    const [, action] = /<form[^>]*action="([^"]+)"/.exec(page) ?? assert.fail(page);
    const [, prompt] = /name="prompt" value="([^"]+)"/.exec(page);
    const form = new URLSearchParams({ prompt, login: "alice", password: "any" });
    return { method: "POST", url: new URL(action, from), form };
  }
}

const api = (path) => ({ resource: `${input.api}${path}`, scope: "accounts" });
const keyed = await Party.of("keyed");

for (const [path, what] of [
  ["/jwt", "a JWT signed with ES256"],
  ["/ps256", "a JWT signed with PS256"],
  ["/eddsa", "a JWT signed with EdDSA"],
  ["/ed25519", "a JWT signed with Ed25519 (RFC 9864)"],
  ["/sealed", "an encrypted JWT"],
  ["/opaque", "an opaque token, introspected"],
  ["/signed", "an opaque token, introspected with signed answers"],
  ["/encrypted", "an opaque token, introspected with encrypted answers"],
]) {
  const tokens = await keyed.clientCredentials(api(path));
  assert.equal(tokens.token_type, "dpop");
  const seen = await keyed.ask(`${path}/accounts`, tokens);
  assert.equal(seen.client_id, "keyed");
  ok(`${what}, bound to a DPoP key`);
}

// What a person has approved, on the pages of oidc-provider.
const person = new Developer("alice");
const tokens = await keyed.logIn(person, api("/jwt"));
const opaque = await keyed.logIn(person, api("/opaque"));
const strict = await keyed.logIn(person, api("/strict"));
for (const [path, what, bound] of [
  ["/jwt", "a JWT of a person's", tokens],
  ["/opaque", "an opaque token of a person's", opaque],
  ["/strict", "an opaque token of a person's, where a subject is demanded", strict],
]) {
  const { sub, acr, auth_time: when } = await keyed.ask(`${path}/accounts`, bound);
  assert.deepEqual([sub, acr, typeof when], ["alice", "by-name", "number"]);
  ok(`${what}, by way of PAR and code`);
}
const asking = await Inquirer.of("strict");
await failed(asking.ask(tokens.access_token), { error: "unsupported_token_type" });
ok("nothing is said there of JWTs");

const certified = await Party.of("certified");
for (const path of ["/jwt", "/sealed", "/opaque"]) {
  const tokens = await certified.clientCredentials(api(path));
  assert.equal(tokens.token_type, "bearer");
  assert.equal((await certified.ask(`${path}/accounts`, tokens)).client_id, "certified");
  ok(`certificate-bound: ${path}`);
  for (const certificate of [input.stranger, undefined]) {
    const options = certified.showing(certificate);
    await failed(certified.ask(`${path}/accounts`, tokens, "GET", options), challenged(401, "invalid_token"));
    ok(`refused with ${certificate ? "another" : "no"} certificate: ${path}`);
  }
}

async function refused(what, promise, error) {
  await failed(promise, challenged(401, error));
  ok(`${error}: ${what}`);
}

const RS256 = await keyed.clientCredentials(api("/rs256"));
await refused("a JWT signed with RS256, which is the default there", keyed.ask("/rs256/accounts", RS256), "invalid_token");
const nobodys = await keyed.clientCredentials(api("/strict"));
await refused("an opaque token without a subject", keyed.ask("/strict/accounts", nobodys), "invalid_token");
const sealed = await keyed.clientCredentials(api("/sealed"));
const thief = Object.assign(new Party(), keyed);
await thief.newKey();
for (const [path, bound] of [
  ["/jwt", tokens],
  ["/sealed", sealed],
  ["/opaque", opaque],
]) {
  const all = `${path}/accounts`;
  await refused(`another key: ${path}`, thief.ask(all, bound), "invalid_token");
  let proof;
  await keyed.ask(all, bound, "GET", keyed.changing((headers) => ((proof = headers.dpop), headers)));
  const replaying = keyed.changing((headers) => ({ ...headers, dpop: proof }));
  await refused(`proof used twice: ${path}`, keyed.ask(all, bound, "GET", replaying), "invalid_dpop_proof");
  const bearing = { ...keyed.options, DPoP: undefined };
  await refused(`as a bearer token: ${path}`, keyed.ask(all, bound, "GET", bearing), "invalid_token");
}
await refused("a JWT for another API", keyed.ask("/ps256/accounts", tokens), "invalid_token");
await refused("an opaque token for another API", keyed.ask("/signed/accounts", opaque), "invalid_token");

await keyed.ask("/opaque/accounts", opaque);
await keyed.revoke(opaque.access_token);
await refused("an opaque token that was revoked", keyed.ask("/opaque/accounts", opaque), "invalid_token");
