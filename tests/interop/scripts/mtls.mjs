// oauth4webapi: clients with certificates (RFC 8705), to which their tokens are bound.
import assert from "node:assert/strict";

import { Browser } from "./browser.mjs";
import { challenged, failed, input, ok } from "./input.mjs";
import { Inquirer, Party, discover } from "./party.mjs";

const alice = new Browser("alice");

const as = await discover();
for (const name of ["token_endpoint", "pushed_authorization_request_endpoint", "revocation_endpoint"]) {
  assert.ok(as.mtls_endpoint_aliases[name].startsWith(`${input.mtls}/`), name);
}
assert.equal(as.tls_client_certificate_bound_access_tokens, true);
ok("endpoint aliases in the metadata (RFC 8705 §5)");

for (const id of ["mtls", "self-signed", "assertion-and-certificate"]) {
  const party = await Party.of(id);
  const tokens = await party.logIn(alice);
  assert.equal(tokens.token_type, "bearer");
  await party.ask("/plain/accounts", tokens);
  await party.ask("/plain/accounts", await party.refresh(tokens));
  const { token_endpoint_auth_method: method } = input.clients[id].metadata;
  ok(`${method} and a certificate-bound token: PAR, code, token, API, refresh`);

  for (const certificate of [undefined, input.stranger]) {
    const options = party.showing(certificate);
    await failed(party.ask("/plain/accounts", tokens, "GET", options), challenged(401, "invalid_token"));
    ok(`${id}: refused at the API with ${certificate ? "another" : "no"} certificate`);
  }
}

const party = await Party.of("mtls");
const tokens = await party.logIn(alice, { resource: `${input.api}/asking` });
const inquirer = await Inquirer.of("asking");
const answer = await inquirer.ask(tokens.access_token);
assert.equal(answer.token_type, "Bearer");
assert.equal(typeof answer.cnf["x5t#S256"], "string");
await party.ask("/asking/accounts", tokens);
await party.revoke(tokens.access_token);
await failed(party.ask("/asking/accounts", tokens), challenged(401, "invalid_token"));
ok("introspection and revocation of a certificate-bound token");

// Somebody else's certificate, and none.
const pushed = (certificate) => {
  const other = Object.assign(new Party(), party);
  other.options = party.showing(certificate);
  return other.push();
};
for (const certificate of [input.stranger, undefined]) {
  await failed(pushed(certificate), { name: "ResponseBodyError", status: 401, error: "invalid_client" });
  ok(`invalid_client with ${certificate ? "another" : "no"} certificate`);
}
