// What the test that started this script has written to its standard input, and the one way to say that something worked.
import assert from "node:assert/strict";

import { fetch as send, Agent } from "undici";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);

/** Addresses, people, clients with their keys: see `tests/interop/world.rs`. */
export const input = JSON.parse(Buffer.concat(chunks).toString("utf8"));

/** Says that this has worked. The test counts these lines. */
export function ok(what) {
  console.log(`ok ${what}`);
}

/** `fetch` that believes the test's authority, and shows this certificate where one is asked for. */
export function fetchWith(certificate) {
  const dispatcher = new Agent({ connect: { ca: input.ca, ...certificate } });
  return (url, options) => send(url, { ...options, dispatcher });
}

/** Fails unless `promise` fails: with these members in the error, or as a function finds right. */
export async function failed(promise, expected) {
  await assert.rejects(promise, (error) => {
    try {
      if (typeof expected === "function") expected(error);
      else for (const [name, value] of Object.entries(expected)) assert.deepEqual(error[name], value);
    } catch (unexpected) {
      unexpected.cause = error;
      throw unexpected;
    }
    return true;
  });
}

/** What a library makes of the challenge of an API that refuses a request. */
export function challenged(status, error, parameters = {}) {
  return (caught) => {
    assert.equal(caught.code, "OAUTH_WWW_AUTHENTICATE_CHALLENGE");
    assert.equal(caught.status, status);
    const about = caught.cause.map((challenge) => challenge.parameters);
    const expected = error === undefined ? parameters : { error, ...parameters };
    for (const [name, value] of Object.entries(expected)) {
      assert.ok(about.some((all) => all[name] === value), `${name}="${value}" in ${JSON.stringify(caught.cause)}`);
    }
    return caught.cause;
  };
}
