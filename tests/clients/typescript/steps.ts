// The guide's client against running services: prints what it saw as a line of JSON.
import createClient from "openapi-fetch";
import type { paths as Cockpit } from "./generated/cockpit.ts";
import { draftNotice, officeClient } from "./generated/guide.ts";
import type { components, paths as Identity } from "./generated/identity.ts";

declare const process: { env: Record<string, string | undefined> };

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** The value of an answer; throws what the service says otherwise. */
function given<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const identity = createClient<Identity>({
  baseUrl: setting("IDENTITY"),
  headers: bearer(setting("IDENTITY_TOKEN")),
});
const cockpit = createClient<Cockpit>({ baseUrl: setting("COCKPIT") });
const office = officeClient(setting("OFFICE"), () => Promise.resolve(setting("OFFICE_TOKEN")));

const me = given(await identity.GET("/api/v1/me"));
const unitId = me.unit_id;
if (unitId === null) throw new Error("no member of a unit");
const path = { unit_id: unitId };
const children = given(
  await identity.GET("/api/v1/units/{unit_id}/children", { params: { path, query: { limit: 3 } } }),
);
const names: string[] = children.items.map((unit) => unit.name);
const level: components["schemas"]["Level"] | undefined = children.items[0]?.level;

const drafted = await draftNotice(office, "关于核对名册的通知", "typescript-client-1");
const again = await draftNotice(office, "关于核对名册的通知", "typescript-client-1");
const outbox = given(
  await office.GET("/api/v1/notices/outbox", { params: { query: { status: ["draft"], q: "名册" } } }),
);
const inbox = given(await office.GET("/api/v1/notices/inbox", { params: { query: { limit: 1 } } }));
const refused = await draftNotice(office, "长".repeat(201), "typescript-client-2");
const stranger = await cockpit.GET("/api/v1/metrics");
const vocabulary = given(await cockpit.GET("/api/v1/vocabulary"));

console.log(
  JSON.stringify({
    names,
    level,
    drafted,
    again,
    outbox: { titles: outbox.items.map((line) => line.title), total: outbox.total },
    inbox: inbox.total,
    refused,
    stranger: { status: stranger.response.status, code: stranger.error?.code },
    vocabulary: vocabulary.items.map(({ name }) => name),
  }),
);
