// oidc-provider as the issuer is: ES256, JWT access tokens for a resource, refresh tokens, introspection,
// clients and people in PostgreSQL. Clustered; what the workers share comes from the environment.
import cluster from "node:cluster";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Provider, interactionPolicy } from "oidc-provider";
import * as same from "./same.js";
import { Store, prepare, query } from "./store.js";

const { ISSUER, PORT, WORKERS, CLIENTS, PHONES } = process.env;
// Whether it also does what Identity does beyond the protocol.
const SAME_WORK = process.env.SAME_WORK === "true";
const RESOURCE = "urn:zhuxue:office";
// The same resource with opaque access tokens: JWTs cannot be introspected.
const OPAQUE = "urn:zhuxue:opaque";
const LIVE_SECONDS = 300;
const SESSION_SECONDS = 43_200;

if (cluster.isPrimary) {
  await prepare();
  for (const client of JSON.parse(CLIENTS)) await new Store("Client").upsert(client.client_id, client);
  for (const phone of JSON.parse(PHONES)) {
    await query("account", "INSERT INTO accounts VALUES ($1, $2, $3)", [randomUUID(), phone, "测试人员"]);
  }
  if (SAME_WORK) await same.prepare();
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  const JWKS = JSON.stringify({ keys: [{ ...key, alg: "ES256", use: "sig", kid: "bench" }] });
  for (let number = 0; number < Number(WORKERS); number++) cluster.fork({ JWKS });
  cluster.on("exit", () => process.exit(1));
  process.on("SIGTERM", () => process.exit(0));
} else {
  serve();
}

function serve() {
  const policy = interactionPolicy.base();
  // Asks for consent whenever an app's redirect address is not https: here all are loopback addresses.
  policy.get("consent").checks.remove("native_client_prompt");
  const provider = new Provider(ISSUER, {
    adapter: Store,
    jwks: JSON.parse(process.env.JWKS),
    cookies: { keys: ["a key that all workers share"] },
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    scopes: ["openid", "offline_access", "profile"],
    claims: { openid: ["sub", "acr", "auth_time"], profile: ["name"] },
    pkce: { required: () => true },
    responseTypes: ["code"],
    ttl: {
      AccessToken: LIVE_SECONDS,
      ClientCredentials: LIVE_SECONDS,
      AuthorizationCode: 60,
      IdToken: LIVE_SECONDS,
      RefreshToken: SESSION_SECONDS,
      Grant: SESSION_SECONDS,
      Session: SESSION_SECONDS,
      Interaction: 900,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: "office directory:read",
          audience: resource,
          accessTokenTTL: LIVE_SECONDS,
          accessTokenFormat: resource === OPAQUE ? "opaque" : "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    ...(SAME_WORK && { extraTokenClaims: (_, token) => same.claims(token) }),
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_, id) {
      const [row] = await query("by id", "SELECT name FROM accounts WHERE id = $1", [id]);
      return row && { accountId: id, claims: () => ({ sub: id, name: row.name }) };
    },
    // Clients of our own: nobody is asked.
    async loadExistingGrant({ oidc }) {
      const id = oidc.session.grantIdFor(oidc.client.clientId);
      const known = id && (await oidc.provider.Grant.find(id));
      if (known) return known;
      const { accountId } = oidc.session;
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId });
      grant.addOIDCScope("openid profile offline_access");
      for (const resource of [RESOURCE, OPAQUE]) grant.addResourceScope(resource, "office");
      await grant.save();
      return grant;
    },
  });

  if (SAME_WORK) {
    const introspect = same.introspection(provider, JSON.parse(process.env.JWKS).keys[0]);
    provider.use(async (ctx, next) => {
      if (ctx.path !== "/introspect") return next();
      Object.assign(ctx, await introspect(ctx, await text(ctx.req)));
      return undefined;
    });
    provider.use(same.audited);
  }

  // Signing in: a page with a form, and the form's one POST; with the same work, one more POST that sends a code.
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    if (ctx.method === "GET") {
      const { uid } = await provider.interactionDetails(ctx.req, ctx.res);
      ctx.type = "html";
      ctx.body = form(uid, "");
      return undefined;
    }
    const given = new URLSearchParams(await text(ctx.req));
    const phone = given.get("phone");
    const [, , uid, step] = ctx.path.split("/");
    if (step === "code") {
      await provider.interactionDetails(ctx.req, ctx.res);
      await same.sendCode(phone, uid, ctx.get("x-forwarded-for"));
      ctx.type = "html";
      ctx.body = form(uid, '<label for="code">code</label><input id="code" name="code">');
      return undefined;
    }
    const row = SAME_WORK
      ? await same.redeem(phone, uid, given.get("code"))
      : (await query("by phone", "SELECT id FROM accounts WHERE phone = $1", [phone]))[0];
    const login = row ? { login: { accountId: row.id, acr: "sms", amr: ["otp"] } } : { error: "access_denied" };
    await provider.interactionFinished(ctx.req, ctx.res, login, { mergeWithLastSubmission: false });
    ctx.respond = false;
    return undefined;
  });
  provider.on("server_error", (_, error) => console.error(error));
  provider.listen(Number(PORT), "127.0.0.1");
}

async function text(request) {
  let body = "";
  for await (const part of request) body += part;
  return body;
}

const form = (uid, more) =>
  `<!doctype html><title>sign in</title><form method="post" action="/interaction/${uid}">
    <label for="phone">phone</label><input id="phone" name="phone">${more}<button>sign in</button></form>`;
