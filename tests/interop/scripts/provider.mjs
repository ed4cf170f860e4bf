// oidc-provider, as an authorization server of FAPI 2.0 for the APIs of this crate. Prints its issuer identifier and serves
// until it is ended.
import * as crypto from "node:crypto";
import { createServer } from "node:https";

import { exportJWK, generateKeyPair } from "jose";

import { input } from "./input.mjs";

if (crypto.hash === undefined || URL.parse === undefined) {
  console.log(`skipped: oidc-provider needs a later Node than ${process.version}`);
  process.exit();
}
// If the test has gone without ending this, nobody else will.
setTimeout(() => process.exit(1), 120_000);

// It warns of being tried out, from the beginning.
console.warn = () => {};
const { default: Provider } = await import("oidc-provider");

/** What tokens for each API are like. The signing algorithm of JWTs is RS256 unless it is said. */
const RESOURCES = {
  "/jwt": { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } },
  "/ps256": { accessTokenFormat: "jwt", jwt: { sign: { alg: "PS256" } } },
  "/eddsa": { accessTokenFormat: "jwt", jwt: { sign: { alg: "EdDSA" } } },
  "/ed25519": { accessTokenFormat: "jwt", jwt: { sign: { alg: "Ed25519" } } },
  "/rs256": { accessTokenFormat: "jwt" },
  "/sealed": {
    accessTokenFormat: "jwt",
    jwt: { sign: { alg: "ES256" }, encrypt: { ...input.encryption, key: publicKey(input.encryption.jwk) } },
  },
  "/strict": { accessTokenFormat: "opaque" },
  "/opaque": { accessTokenFormat: "opaque" },
  "/signed": { accessTokenFormat: "opaque" },
  "/encrypted": { accessTokenFormat: "opaque" },
};

function publicKey({ alg, kid, use, ...jwk }) {
  return crypto.createPublicKey({ key: jwk, format: "jwk" });
}

async function ownKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  // One key for both names of EdDSA (RFC 9864 §2.2).
  return { ...jwk, use: "sig", ...(jwk.kty === "OKP" ? {} : { alg }) };
}

function certificate(ctx) {
  const { raw } = ctx.socket.getPeerCertificate();
  return raw && new crypto.X509Certificate(raw);
}

const features = {
  clientCredentials: { enabled: true },
  dPoP: { enabled: true, nonceSecret: crypto.randomBytes(32), requireNonce: () => true },
  encryption: { enabled: true },
  fapi: { enabled: true, profile: "2.0" },
  introspection: { enabled: true },
  jwtIntrospection: { enabled: true },
  jwtResponseModes: { enabled: true },
  jwtUserinfo: { enabled: true },
  mTLS: {
    enabled: true,
    certificateBoundAccessTokens: true,
    tlsClientAuth: true,
    getCertificate: certificate,
    certificateAuthorized: (ctx) => ctx.socket.authorized,
    certificateSubjectMatches: (ctx, property, expected) =>
      property === "tls_client_auth_subject_dn" && certificate(ctx).subject === expected,
  },
  pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
  resourceIndicators: {
    enabled: true,
    getResourceServerInfo: (ctx, resource) => ({
      scope: "accounts",
      audience: resource,
      ...RESOURCES[resource.slice(input.api.length)],
    }),
    useGrantedResource: () => true,
  },
  requestObjects: { enabled: true },
  revocation: { enabled: true },
  rpInitiatedLogout: { enabled: true },
};

/** When somebody signed in, and how: nothing that tokens say unless they are told to. */
function extraTokenClaims(ctx) {
  const code = ctx.oidc.entities.AuthorizationCode;
  return code && { acr: "by-name", auth_time: code.authTime };
}

const { cert, key } = input.server;
const server = createServer({ cert, key, ca: input.ca, requestCert: true, rejectUnauthorized: false });
server.listen(0, "127.0.0.1", async () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const keys = await Promise.all(["ES256", "PS256", "Ed25519", "RS256"].map(ownKey));
  const provider = new Provider(issuer, {
    clients: input.registrations,
    clientAuthMethods: ["private_key_jwt", "tls_client_auth"],
    extraTokenClaims,
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
    enabledJWA: { introspectionEncryptionAlgValues: [input.encryption.alg] },
    jwks: { keys },
    features,
    scopes: ["accounts"],
  });
  provider.on("server_error", (ctx, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(issuer);
});
