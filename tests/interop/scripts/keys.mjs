// Keys as the packages want them: of the web's cryptography.
const ALGORITHMS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

/** A private key that signs with the `alg` of the JWK, and its `kid`. */
export async function signingKey(jwk) {
  const { alg, kid, use, key_ops, ...material } = jwk;
  const key = await crypto.subtle.importKey("jwk", material, ALGORITHMS[alg], false, ["sign"]);
  return { key, kid };
}
