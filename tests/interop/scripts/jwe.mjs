// Encrypts and decrypts with `jose`, as tests/jose/interop.rs asks it to.
//
// From standard input: {"seal": [{key, alg, enc, kid, apu, apv, content}], "open": [{key, alg, enc, jwe}]}
// To standard output:  {"sealed": [compact], "opened": [content]}
import { CompactEncrypt, base64url, compactDecrypt, importJWK } from "jose";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const asked = JSON.parse(Buffer.concat(chunks).toString("utf8"));

async function seal({ key, alg, enc, kid, apu, apv, content }) {
  const encrypting = new CompactEncrypt(new TextEncoder().encode(content))
    .setProtectedHeader({ alg, enc, kid, cty: "JWT" });
  if (apu !== undefined) {
    encrypting.setKeyManagementParameters({ apu: base64url.decode(apu), apv: base64url.decode(apv) });
  }
  return encrypting.encrypt(await importJWK(key, alg));
}

async function open({ key, alg, enc, jwe }) {
  const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] };
  const { plaintext } = await compactDecrypt(jwe, await importJWK(key, alg), options);
  return new TextDecoder("utf-8", { fatal: true }).decode(plaintext);
}

const sealed = await Promise.all(asked.seal.map(seal));
const opened = await Promise.all(asked.open.map(open));
process.stdout.write(JSON.stringify({ sealed, opened }));
