// A client as FAPI 2.0 wants it, on oauth4webapi: pushed requests, private_key_jwt, DPoP. It also receives
// logout tokens and checks them as OpenID Connect Back-Channel Logout 1.0 §2.6 asks.
import { createServer } from "node:http";
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { serve } from "./steps.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(process.env.ISSUER);
const redirectUri = process.env.REDIRECT_URI;
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));

const signing = await oauth.generateKeyPair("ES256");
const proving = await oauth.generateKeyPair("ES256");
const auth = oauth.PrivateKeyJwt({ key: signing.privateKey, kid: "own" });
const kept = {};
let client;
let dpop;

/** Send; once more if the answer brings the nonce that the proof lacked (RFC 9449 §8). */
async function withNonce(send, process) {
  try {
    return await process(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return await process(await send());
  }
}

const plain = (tokens) => ({ ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) });

/** The session that a logout token ends. */
async function checkLogoutToken(token) {
  const keys = jose.createRemoteJWKSet(new URL(as.jwks_uri));
  const { payload } = await jose.jwtVerify(token, keys, {
    issuer: as.issuer,
    audience: client.client_id,
    typ: "logout+jwt",
    algorithms: ["ES256"],
    requiredClaims: ["iat", "exp", "jti", "events", "sid"],
  });
  const event = payload.events["http://schemas.openid.net/event/backchannel-logout"];
  if (typeof event !== "object" || "nonce" in payload) throw new Error("not a logout token");
  return payload;
}

let loggedOut;
const logout = new Promise((resolve) => (loggedOut = resolve));
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  try {
    loggedOut(await checkLogoutToken(new URLSearchParams(body).get("logout_token")));
    response.writeHead(200).end();
  } catch (error) {
    loggedOut({ refused: error.message });
    response.writeHead(400).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

await serve({
  about: async () => ({
    jwks: { keys: [{ ...(await jose.exportJWK(signing.publicKey)), kid: "own", alg: "ES256", use: "sig" }] },
    logout_uri: `http://127.0.0.1:${server.address().port}/logout`,
  }),
  become({ client_id }) {
    client = { client_id, require_auth_time: true };
    dpop = oauth.DPoP(client, proving);
  },
  async begin(parameters) {
    kept.verifier = oauth.generateRandomCodeVerifier();
    kept.state = oauth.generateRandomState();
    kept.nonce = oauth.generateRandomNonce();
    const request = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: "code",
      code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: "S256",
      state: kept.state,
      nonce: kept.nonce,
      ...parameters,
    });
    const pushed = await withNonce(
      () => oauth.pushedAuthorizationRequest(as, client, auth, request, { DPoP: dpop, ...insecure }),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response),
    );
    const url = new URL(as.authorization_endpoint);
    url.searchParams.set("client_id", client.client_id);
    url.searchParams.set("request_uri", pushed.request_uri);
    return url.href;
  },
  async finish({ callback, state, nonce }) {
    const answer = oauth.validateAuthResponse(as, client, new URL(callback), state ?? kept.state);
    const tokens = await withNonce(
      () =>
        oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirectUri, kept.verifier, {
          DPoP: dpop,
          ...insecure,
        }),
      async (response) => {
        const result = await oauth.processAuthorizationCodeResponse(as, client, response, {
          expectedNonce: nonce ?? kept.nonce,
          requireIdToken: true,
        });
        await oauth.validateApplicationLevelSignature(as, response, insecure);
        return result;
      },
    );
    return plain(tokens);
  },
  userinfo: ({ token, sub }) =>
    withNonce(
      () => oauth.userInfoRequest(as, client, token, { DPoP: dpop, ...insecure }),
      (response) => oauth.processUserInfoResponse(as, client, sub, response),
    ),
  async resource({ token, url, bearer }) {
    const headers = new Headers(bearer ? { authorization: `Bearer ${token}` } : {});
    const options = bearer ? insecure : { DPoP: dpop, ...insecure };
    const response = bearer
      ? await fetch(url, { headers })
      : await oauth.protectedResourceRequest(token, "GET", new URL(url), headers, null, options);
    return { status: response.status, body: await response.json() };
  },
  refresh: async ({ token }) =>
    plain(
      await withNonce(
        () => oauth.refreshTokenGrantRequest(as, client, auth, token, { DPoP: dpop, ...insecure }),
        (response) => oauth.processRefreshTokenResponse(as, client, response),
      ),
    ),
  introspect: async ({ token }) =>
    oauth.processIntrospectionResponse(
      as,
      client,
      await oauth.introspectionRequest(as, client, auth, token, insecure),
    ),
  revoke: async ({ token }) =>
    oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, insecure)),
  logout: () => logout,
});
