// A client of the authorization server, built on `oauth4webapi` as its documentation has it.
import assert from "node:assert/strict";

import { CompactEncrypt, importJWK } from "jose";
import * as oauth from "oauth4webapi";

import { fetchWith, input } from "./input.mjs";
import { signingKey } from "./keys.mjs";

/** What the library knows of the server: what its metadata says. */
export async function discover(algorithm = "oauth2", from = input.issuer) {
  const issuer = new URL(from);
  const answer = await oauth.discoveryRequest(issuer, {
    algorithm,
    [oauth.customFetch]: fetchWith(),
  });
  return oauth.processDiscoveryResponse(issuer, answer);
}

export class Party {
  /** The client with this `client_id`, as it is registered. */
  static async of(id, { bound = "key" } = {}) {
    const registered = input.clients[id];
    const party = new Party();
    party.as = await discover();
    const { userinfo_signed_response_alg } = registered.metadata ?? {};
    party.client = { client_id: id, userinfo_signed_response_alg };
    party.certificate = registered.certificate;
    party.signing = registered.key && (await signingKey(registered.key));
    if (party.certificate) party.client.use_mtls_endpoint_aliases = true;
    const assertions = registered.metadata?.token_endpoint_auth_method !== "tls_client_auth";
    party.auth = assertions && party.signing ? oauth.PrivateKeyJwt(party.signing) : oauth.TlsClientAuth();
    party.options = { [oauth.customFetch]: fetchWith(party.certificate) };
    if (bound === "key" && !party.certificate) await party.newKey();
    return party;
  }

  /** Makes a new key that proofs are signed with. */
  async newKey(algorithm = "ES256") {
    const pair = await oauth.generateKeyPair(algorithm);
    this.options = { ...this.options, DPoP: oauth.DPoP(this.client, pair) };
  }

  /** A request, as a signed request object if asked to (RFC 9101), which may be encrypted as well. */
  async request(parameters = {}, { signed = false, encrypted = false } = {}) {
    const verifier = oauth.generateRandomCodeVerifier();
    const { state = oauth.generateRandomState() } = parameters;
    const usual = {
      response_type: "code",
      redirect_uri: input.callback_with_query,
      scope: "accounts",
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    const all = Object.entries({ ...usual, ...parameters }).filter(([, value]) => value !== undefined);
    let asked = new URLSearchParams(all);
    if (signed) {
      const object = await oauth.issueRequestObject(this.as, this.client, asked, this.signing);
      asked = new URLSearchParams({ request: encrypted ? await this.#encrypt(object) : object });
    }
    return { asked, verifier, state };
  }

  /** To the key that the server has published for it. */
  async #encrypt(object) {
    const answer = await fetchWith()(this.as.jwks_uri);
    const { keys } = await answer.json();
    const jwk = keys.find((key) => key.use === "enc");
    // RFC 7519 §5.2 has `JWT` there, and openid-client 5 had this.
    const header = { alg: jwk.alg, enc: "A256GCM", kid: jwk.kid, cty: "oauth-authz-req+jwt" };
    return new CompactEncrypt(new TextEncoder().encode(object))
      .setProtectedHeader(header)
      .encrypt(await importJWK(jwk));
  }

  /** Pushes a request (RFC 9126). */
  async push(parameters, options) {
    const { asked, ...pending } = await this.request(parameters, options);
    const answer = await this.nonceAware(async () => {
      const answer = await oauth.pushedAuthorizationRequest(
        this.as,
        this.client,
        this.auth,
        asked,
        this.options,
      );
      return oauth.processPushedAuthorizationResponse(this.as, this.client, answer);
    });
    return { ...pending, url: this.authorizing({ request_uri: answer.request_uri }) };
  }

  /** Where somebody is sent with these parameters. */
  authorizing(parameters) {
    const url = new URL(this.as.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: this.client.client_id, ...parameters });
    return url;
  }

  /** Redeems the code that somebody was sent back with. */
  async redeem({ verifier, state }, back, { validate = oauth.validateAuthResponse, ...more } = {}) {
    assert.ok(back.href.startsWith(input.callback_with_query), back.href);
    const parameters = await validate(this.as, this.client, back, state, this.options);
    const { redirectUri = input.callback_with_query, additionalParameters, ...expectations } = more;
    return this.nonceAware(async () => {
      const answer = await oauth.authorizationCodeGrantRequest(
        this.as,
        this.client,
        this.auth,
        parameters,
        redirectUri,
        verifier,
        { ...this.options, additionalParameters },
      );
      this.answer = answer;
      const decrypt = { [oauth.jweDecrypt]: this.options[oauth.jweDecrypt] };
      const checks = { ...expectations, ...decrypt };
      return oauth.processAuthorizationCodeResponse(this.as, this.client, answer, checks);
    });
  }

  /** The whole flow: push, pages, code, tokens. */
  async logIn(browser, parameters, { signed, encrypted, ...redeeming } = {}) {
    const pending = await this.push(parameters, { signed, encrypted });
    const back = await browser.visit(pending.url);
    return this.redeem(pending, back, redeeming);
  }

  /** Tokens for the client itself (RFC 6749 §4.4). */
  async clientCredentials(parameters) {
    return this.nonceAware(async () => {
      const answer = await oauth.clientCredentialsGrantRequest(
        this.as,
        this.client,
        this.auth,
        parameters,
        this.options,
      );
      return oauth.processClientCredentialsResponse(this.as, this.client, answer);
    });
  }

  async refresh(tokens, additionalParameters) {
    const options = { ...this.options, additionalParameters };
    return this.nonceAware(async () => {
      const answer = await oauth.refreshTokenGrantRequest(
        this.as,
        this.client,
        this.auth,
        tokens.refresh_token,
        options,
      );
      return oauth.processRefreshTokenResponse(this.as, this.client, answer);
    });
  }

  /** What the server tells of the person (OpenID Connect Core §5.3), verified if it is signed. */
  async userinfo(tokens, subject) {
    const { as, client, options } = this;
    return this.nonceAware(async () => {
      const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options);
      const told = await oauth.processUserInfoResponse(as, client, subject, answer, options);
      const signed = client.userinfo_signed_response_alg !== undefined;
      if (signed) await oauth.validateApplicationLevelSignature(as, answer, options);
      return told;
    });
  }

  async revoke(token) {
    const answer = await oauth.revocationRequest(this.as, this.client, this.auth, token, this.options);
    return oauth.processRevocationResponse(answer);
  }

  /** Asks a resource server and gives the JSON it answers with. */
  async ask(path, tokens, method = "GET", options = this.options) {
    const url = new URL(`${input.api}${path}`);
    return this.nonceAware(async () => {
      const answer = await oauth.protectedResourceRequest(
        tokens.access_token,
        method,
        url,
        undefined,
        undefined,
        options,
      );
      assert.equal(answer.status, 200);
      return answer.json();
    });
  }

  /** Options with which this certificate is shown, or none. */
  showing(certificate) {
    return { ...this.options, [oauth.customFetch]: fetchWith(certificate) };
  }

  /** Options with which the headers of a request are changed on their way. */
  changing(change) {
    const send = fetchWith(this.certificate);
    const custom = (url, options) => send(url, { ...options, headers: change({ ...options.headers }) });
    return { ...this.options, [oauth.customFetch]: custom };
  }

  /** Does as the documentation says: once more, if it was refused for want of a nonce (RFC 9449 §8). */
  async nonceAware(attempt) {
    try {
      return await attempt();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      this.challenges = (this.challenges ?? 0) + 1;
      return attempt();
    }
  }
}

/** A resource server that asks about tokens (RFC 7662). */
export class Inquirer {
  static async of(id) {
    const { metadata, key } = input.inquirers[id];
    const inquirer = new Inquirer();
    inquirer.as = await discover();
    inquirer.client = metadata;
    inquirer.auth = oauth.PrivateKeyJwt(await signingKey(key));
    return inquirer;
  }

  async ask(token, options) {
    const all = { requestJwtResponse: false, [oauth.customFetch]: fetchWith(), ...options };
    const answer = await oauth.introspectionRequest(this.as, this.client, this.auth, token, all);
    const type = answer.headers.get("content-type");
    const read = await oauth.processIntrospectionResponse(this.as, this.client, answer, options);
    if (type !== "application/json") {
      await oauth.validateApplicationLevelSignature(this.as, answer, all);
    }
    return { type, ...read };
  }
}
