// The provider's storage: one table in PostgreSQL. What a model is found by has a column and an index of its
// own; every statement is prepared once per connection.
import pg from "pg";

const TABLE = `
  CREATE TABLE IF NOT EXISTS payloads (
    model text NOT NULL,
    id text NOT NULL,
    payload jsonb NOT NULL,
    grant_id text,
    uid text,
    user_code text,
    consumed_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (model, id)
  );
  CREATE INDEX IF NOT EXISTS payloads_grant_id ON payloads (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS payloads_uid ON payloads (model, uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS payloads_user_code ON payloads (model, user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS payloads_expires_at ON payloads (expires_at);
  CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, phone text NOT NULL UNIQUE, name text NOT NULL);
`;
const SELECT = "SELECT payload, consumed_at FROM payloads";
const LIVE = "(expires_at IS NULL OR expires_at > now())";

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });

export const query = async (name, text, values) => (await pool.query({ name, text, values })).rows;

export const prepare = () => pool.query(TABLE);

export class Store {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    await query(
      "upsert",
      `INSERT INTO payloads (model, id, payload, grant_id, uid, user_code, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
       ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
         uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
      [
        this.model,
        id,
        JSON.stringify(payload),
        payload.grantId ?? null,
        payload.uid ?? null,
        payload.userCode ?? null,
        expiresIn ?? null,
      ],
    );
  }

  async find(id) {
    return one(await query("find", `${SELECT} WHERE model = $1 AND id = $2 AND ${LIVE}`, [this.model, id]));
  }

  async findByUid(uid) {
    return one(await query("uid", `${SELECT} WHERE model = $1 AND uid = $2 AND ${LIVE}`, [this.model, uid]));
  }

  async findByUserCode(code) {
    const text = `${SELECT} WHERE model = $1 AND user_code = $2 AND ${LIVE}`;
    return one(await query("user_code", text, [this.model, code]));
  }

  async consume(id) {
    const text = "UPDATE payloads SET consumed_at = now() WHERE model = $1 AND id = $2";
    await query("consume", text, [this.model, id]);
  }

  async destroy(id) {
    await query("destroy", "DELETE FROM payloads WHERE model = $1 AND id = $2", [this.model, id]);
  }

  async revokeByGrantId(grantId) {
    await query("revoke", "DELETE FROM payloads WHERE grant_id = $1", [grantId]);
  }
}

function one([row]) {
  if (row === undefined) return undefined;
  if (row.consumed_at === null) return row.payload;
  return { ...row.payload, consumed: Math.floor(row.consumed_at.getTime() / 1000) };
}
