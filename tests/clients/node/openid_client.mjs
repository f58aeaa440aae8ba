// A web application on openid-client: everything it offers for signing in, renewing and signing out.
import * as client from "openid-client";
import { serve } from "./steps.mjs";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const config = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  { id_token_signed_response_alg: process.env.ALG ?? "ES256" },
  CLIENT_SECRET ? client.ClientSecretBasic(CLIENT_SECRET) : client.None(),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
);
const kept = {};

const plain = (tokens) => ({ ...tokens, claims: tokens.claims() });

await serve({
  async begin(parameters) {
    kept.verifier = client.randomPKCECodeVerifier();
    kept.state = client.randomState();
    kept.nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      code_challenge: await client.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: "S256",
      state: kept.state,
      nonce: kept.nonce,
      ...parameters,
    });
    return url.href;
  },
  async finish({ callback, state, nonce }) {
    return plain(
      await client.authorizationCodeGrant(config, new URL(callback), {
        pkceCodeVerifier: kept.verifier,
        expectedState: state ?? kept.state,
        expectedNonce: nonce ?? kept.nonce,
      }),
    );
  },
  userinfo: ({ token, sub }) => client.fetchUserInfo(config, token, sub),
  refresh: async ({ token, parameters }) => plain(await client.refreshTokenGrant(config, token, parameters)),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  revoke: ({ token }) => client.tokenRevocation(config, token),
  logout: (parameters) => client.buildEndSessionUrl(config, parameters).href,
});
