// oauth4webapi: what it sees of refusals. Each is an error of its own kind with the code that the specifications have for it.
import assert from "node:assert/strict";

import * as oauth from "oauth4webapi";

import { Browser } from "./browser.mjs";
import { challenged, failed, input, ok } from "./input.mjs";
import { Party } from "./party.mjs";

const alice = new Browser("alice");
const party = await Party.of("dpop");
const other = await Party.of("dpop-ps256");
const variant = (changes) => Object.assign(new Party(), party, changes);

/** A refusal in a JSON body. */
async function body(what, promise, error, status = 400) {
  await failed(promise, { code: "OAUTH_RESPONSE_BODY_ERROR", status, error });
  ok(`${error}: ${what}`);
}

async function pushed() {
  for (const [what, parameters, error] of [
    ["redirect_uri that is not registered", { redirect_uri: `${input.callback_with_query}/` }, "invalid_request"],
    ["no PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["PKCE with plain", { code_challenge_method: "plain" }, "invalid_request"],
    ["response_type token", { response_type: "token" }, "unsupported_response_type"],
    ["scope that is not registered", { scope: "admin" }, "invalid_scope"],
    ["unknown resource", { resource: "https://nobody.example" }, "invalid_target"],
    ["unknown type", { authorization_details: '[{"type":"unknown"}]' }, "invalid_authorization_details"],
    ["request_uri in a pushed request", { request_uri: "urn:example:1" }, "invalid_request"],
  ]) {
    await body(what, party.push(parameters), error);
  }
  const stranger = variant({ auth: oauth.PrivateKeyJwt(other.signing) });
  await body("assertion signed by another client", stranger.push(), "invalid_client", 401);
  const nobody = variant({ client: { client_id: "nobody" } });
  await body("client that is not registered", nobody.push(), "invalid_client", 401);
}

async function authorized() {
  const answered = async (what, parameters, error, decision, browser = new Browser("alice")) => {
    const pending = await party.push(parameters);
    const back = await browser.visit(pending.url, decision);
    await failed(party.redeem(pending, back), { code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR", error });
    ok(`${error}: ${what}`);
  };
  await answered("denied by the person", {}, "access_denied", "deny", alice);
  await answered("prompt=none without a session", { prompt: "none" }, "login_required");
  const stronger = { acr_values: input.two_factors };
  await answered("no second factor", stronger, "unmet_authentication_requirements");
}

async function redeemed() {
  const fresh = async () => {
    const pending = await party.push();
    return [pending, await alice.visit(pending.url)];
  };
  const [used, back] = await fresh();
  const tokens = await party.redeem(used, back);
  await body("code used twice", party.redeem(used, back), "invalid_grant");
  await body("refresh token of a code used twice", party.refresh(tokens), "invalid_grant");

  const [pending, ready] = await fresh();
  await body("wrong code_verifier", party.redeem({ ...pending, verifier: used.verifier }, ready), "invalid_grant");
  const [moved, there] = await fresh();
  const redirectUri = "https://client.example/other";
  await body("another redirect_uri", party.redeem(moved, there, { redirectUri }), "invalid_grant");
  const [stolen, away] = await fresh();
  await body("code of another client", other.redeem(stolen, away), "invalid_grant");
  const [unbound, sent] = await fresh();
  const thief = variant({});
  await thief.newKey();
  await body("code bound to another DPoP key", thief.redeem(unbound, sent), "invalid_grant");
  const [proofless, here] = await fresh();
  const without = variant({ options: { ...party.options, DPoP: undefined } });
  await body("no proof", without.redeem(proofless, here), "invalid_dpop_proof");
  await body("invented refresh token", party.refresh({ refresh_token: "invented" }), "invalid_grant");
}

async function presented() {
  const tokens = await party.logIn(alice);
  const changed = (change) => party.changing(change);
  const api = async (what, options, status, error, parameters = {}, path = "/plain/accounts", method = "GET") => {
    await failed(party.ask(path, tokens, method, options), challenged(status, error, parameters));
    ok(`${status} ${error ?? "without an error code"}: ${what}`);
  };

  const metadata = `${input.api}/.well-known/oauth-protected-resource/plain`;
  const none = changed(({ authorization, dpop, ...headers }) => headers);
  await api("no credentials", none, 401, undefined, { resource_metadata: metadata });

  let proof;
  await party.ask("/plain/accounts", tokens, "GET", changed((headers) => ((proof = headers.dpop), headers)));
  await api("proof used twice", changed((headers) => ({ ...headers, dpop: proof })), 401, "invalid_dpop_proof");
  await api("no proof", changed(({ dpop, ...headers }) => headers), 401, "invalid_dpop_proof");

  const thief = variant({});
  await thief.newKey();
  await api("another key", thief.options, 401, "invalid_token");
  await api("DPoP-bound token as a bearer token", { ...party.options, DPoP: undefined }, 401, "invalid_token");
  const flipped = changed((headers) => ({ ...headers, authorization: `${headers.authorization.slice(0, -8)}AAAAAAAA` }));
  await api("changed signature, proof for another token", flipped, 401, "invalid_dpop_proof");
  const forged = { ...tokens, access_token: `${tokens.access_token.slice(0, -8)}AAAAAAAA` };
  await failed(party.ask("/plain/accounts", forged, "GET", party.options), challenged(401, "invalid_token"));
  ok("401 invalid_token: changed signature");
  await api("token for another API", party.options, 401, "invalid_token", {}, "/asking/accounts");
  await api("scope that was not granted", party.options, 403, "insufficient_scope", { scope: "admin" }, "/plain/admin");
  await api(
    "sign-in too weak",
    party.options,
    401,
    "insufficient_user_authentication",
    { acr_values: input.two_factors },
    "/plain/payments",
    "POST",
  );
}

await pushed();
await authorized();
await redeemed();
await presented();
