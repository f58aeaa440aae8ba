// What Identity does beyond the protocol, for the peer that does the same work: a code by text message, an audit
// row for each call, unit, roles and entitlements in each token of a person, the account and the session at each
// refresh, and introspection of JWTs.
import { createHash, createPublicKey, randomInt, randomUUID } from "node:crypto";
import { jwtVerify } from "jose";
import { pool, query } from "./store.js";

const { ISSUER, SMS_URL, SMS_SECRET } = process.env;
const BUDGETS = ["number", "share", "browser", "address", "total"];
const MOST = 1_000_000;

const TABLES = `
  CREATE TABLE audit_log (id uuid PRIMARY KEY, at timestamptz NOT NULL, actor text, action text NOT NULL,
    target_id text, correlation_id text, details jsonb NOT NULL);
  CREATE INDEX ON audit_log (target_id, id);
  CREATE INDEX ON audit_log (actor, id);
  CREATE INDEX ON audit_log (correlation_id, id);
  CREATE TABLE units (id uuid PRIMARY KEY, path text NOT NULL, level text NOT NULL, kind text NOT NULL,
    status text NOT NULL);
  CREATE TABLE memberships (id uuid PRIMARY KEY, account_id text NOT NULL, unit_id uuid NOT NULL,
    roles text[] NOT NULL, is_primary boolean NOT NULL, ended_at timestamptz);
  CREATE INDEX ON memberships (account_id);
  CREATE TABLE roles (code text PRIMARY KEY, permissions text[] NOT NULL);
  CREATE TABLE entitlements (account_id text NOT NULL, name text NOT NULL, expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, name));
  CREATE TABLE revocations (id uuid PRIMARY KEY, sub text, grant_id text, not_before timestamptz NOT NULL);
  CREATE INDEX ON revocations (sub);
  CREATE TABLE sms_codes (id uuid PRIMARY KEY, phone text NOT NULL, ticket text NOT NULL, code_hash bytea NOT NULL,
    sent_at timestamptz NOT NULL, attempts int NOT NULL, used_at timestamptz);
  CREATE INDEX ON sms_codes (phone, ticket);
  CREATE TABLE code_budgets (kind text, key text, used int NOT NULL, ends_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key));
  CREATE TABLE sms_messages (id uuid PRIMARY KEY, body text, created_at timestamptz NOT NULL, sent_at timestamptz);
  CREATE TABLE sign_ins (id uuid PRIMARY KEY, account_id text NOT NULL, at timestamptz NOT NULL, means text NOT NULL);
  CREATE INDEX ON sign_ins (account_id, id);
`;
const PEOPLE = `
  INSERT INTO roles VALUES ('reviewer', ARRAY['notice.read', 'notice.sign', 'report.submit', 'people.read']),
    ('administrator', ARRAY['unit.manage', 'people.manage', 'notice.dispatch']);
  INSERT INTO units SELECT gen_random_uuid(), 'cn.p' || n, 'county', 'office', 'active'
    FROM generate_series(1, (SELECT count(*) FROM accounts)) n;
  INSERT INTO memberships SELECT gen_random_uuid(), a.id, u.id, ARRAY['reviewer', 'administrator'], true, NULL
    FROM (SELECT id, row_number() OVER () n FROM accounts) a JOIN (SELECT id, row_number() OVER () n FROM units) u
    USING (n);
  INSERT INTO entitlements SELECT id, 'cockpit', now() + interval '1 year' FROM accounts;
  VACUUM ANALYZE;
`;
const FACTS = `
  SELECT u.id AS unit, u.path AS unit_path, u.level, u.kind, m.roles,
    (SELECT array_agg(p) FROM roles r, unnest(r.permissions) p WHERE r.code = ANY (m.roles)) AS permissions,
    (SELECT array_agg(e.name ORDER BY e.name) FROM entitlements e
      WHERE e.account_id = a.id AND e.expires_at > now()) AS entitlements
  FROM accounts a
  JOIN payloads s ON s.model = 'Session' AND s.uid = $2 AND s.expires_at > now()
  LEFT JOIN LATERAL (SELECT * FROM memberships WHERE account_id = a.id AND ended_at IS NULL
    ORDER BY is_primary DESC LIMIT 1) m ON true
  LEFT JOIN units u ON u.id = m.unit_id AND u.status = 'active'
  WHERE a.id = $1`;
const LIVE = `
  SELECT 1 FROM accounts a
  JOIN payloads s ON s.model = 'Session' AND s.uid = $2 AND s.expires_at > now()
  JOIN payloads g ON g.model = 'Grant' AND g.id = $3 AND g.expires_at > now()
  WHERE a.id = $1 AND NOT EXISTS (SELECT FROM revocations r
    WHERE r.sub = a.id AND r.not_before > $4 AND (r.grant_id IS NULL OR r.grant_id = $3))`;
const SPEND = `
  INSERT INTO code_budgets AS b VALUES ($1, $2, 1, now() + interval '1 day')
  ON CONFLICT (kind, key) DO UPDATE SET
    used = CASE WHEN b.ends_at <= now() THEN 1 ELSE b.used + 1 END,
    ends_at = CASE WHEN b.ends_at <= now() THEN excluded.ends_at ELSE b.ends_at END
  WHERE b.ends_at <= now() OR b.used < $3 RETURNING used`;

export async function prepare() {
  for (const one of `${TABLES}${PEOPLE}`.split(";\n")) if (one.trim()) await pool.query(one);
}

// What a person's access token says of them, read anew for each.
export async function claims(token) {
  if (!token.accountId) return undefined;
  const [row] = await query("facts", FACTS, [token.accountId, token.sessionUid]);
  if (row === undefined) throw new Error("the account or the session has ended");
  return { ...row, sid: token.sessionUid, grant_id: token.grantId };
}

const audit = (actor, action, target, details) =>
  query("audit", "INSERT INTO audit_log VALUES ($1, now(), $2, $3, $4, $5, $6)", [
    randomUUID(),
    actor,
    action,
    target,
    randomUUID(),
    JSON.stringify(details),
  ]);

// No token leaves before its audit row is durable.
export async function audited(ctx, next) {
  await next();
  if (ctx.path !== "/token" || ctx.status !== 200) return;
  const { client, account, params } = ctx.oidc;
  const grant = params.grant_type;
  await audit(client.clientId, "oauth.token_issued", account?.accountId ?? client.clientId, { grant });
}

// Sends a code for the browser with this interaction; its message is stored before it is sent, and marked after.
export async function sendCode(phone, ticket, address) {
  const code = String(randomInt(1_000_000)).padStart(6, "0");
  const message = randomUUID();
  const body = JSON.stringify({ phone, text: `【学生资助】验证码 ${code}` });
  const keys = [phone, `${phone} ${address}`, ticket, address, ""];
  const connection = await pool.connect();
  const run = (name, text, values) => connection.query({ name, text, values });
  try {
    await run("begin", "BEGIN");
    await run("by phone", "SELECT id FROM accounts WHERE phone = $1", [phone]);
    await run("latest", "SELECT sent_at FROM sms_codes WHERE phone = $1 AND ticket = $2", [phone, ticket]);
    for (const [place, kind] of BUDGETS.entries()) {
      const { rows } = await run("spend", SPEND, [kind, keys[place], MOST]);
      if (rows.length === 0) throw new Error("too many codes");
    }
    await run("code", "INSERT INTO sms_codes VALUES ($1, $2, $3, $4, now(), 0, NULL)", [
      randomUUID(),
      phone,
      ticket,
      hash(phone, code),
    ]);
    await run("message", "INSERT INTO sms_messages VALUES ($1, $2, now(), NULL)", [message, body]);
    await run("commit", "COMMIT");
  } catch (error) {
    await connection.query("ROLLBACK");
    throw error;
  } finally {
    connection.release();
  }
  const headers = { authorization: `Bearer ${SMS_SECRET}`, "content-type": "application/json" };
  const answer = await fetch(SMS_URL, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`the gateway answers ${answer.status}`);
  await answer.arrayBuffer();
  await query("sent", "UPDATE sms_messages SET body = NULL, sent_at = now() WHERE id = $1", [message]);
}

// Redeems a code once and records the sign-in. Returns the account, or undefined.
export async function redeem(phone, ticket, code) {
  const used = `UPDATE sms_codes SET used_at = now() WHERE phone = $1 AND ticket = $2 AND code_hash = $3
    AND used_at IS NULL AND attempts < 5 AND sent_at > now() - interval '5 minutes' RETURNING id`;
  const [found] = await query("redeem", used, [phone, ticket, hash(phone, code)]);
  if (found === undefined) return undefined;
  const [row] = await query("by phone", "SELECT id FROM accounts WHERE phone = $1", [phone]);
  if (row === undefined) return undefined;
  await audit(row.id, "sign_in", row.id, { means: "sms" });
  await query("sign in", "INSERT INTO sign_ins VALUES ($1, $2, now(), 'sms')", [randomUUID(), row.id]);
  return row;
}

const hash = (phone, code) => createHash("sha256").update(`${phone} ${code}`).digest();

// Introspection of JWT access tokens, which the provider does not offer.
export function introspection(provider, jwk) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return async (ctx, text) => {
    const [id, secret] = Buffer.from((ctx.get("authorization") ?? "").slice(6), "base64").toString().split(":");
    const client = id && (await provider.Client.find(id));
    if (!client || !(await client.compareClientSecret(secret))) return { status: 401, body: { error: "invalid_client" } };
    const token = new URLSearchParams(text).get("token");
    return { status: 200, body: await state(token, client, key) };
  };
}

async function state(token, client, key) {
  try {
    const options = { issuer: ISSUER, typ: "at+jwt", algorithms: ["ES256"] };
    const { payload } = await jwtVerify(token, key, options);
    if (payload.aud !== `urn:zhuxue:${client.clientId}` && payload.client_id !== client.clientId) return { active: false };
    const issued = new Date(payload.iat * 1000);
    const [row] = await query("live", LIVE, [payload.sub, payload.sid, payload.grant_id, issued]);
    return row === undefined ? { active: false } : { active: true, token_type: "Bearer", ...payload };
  } catch {
    return { active: false };
  }
}
