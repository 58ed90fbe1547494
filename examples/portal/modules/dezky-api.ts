// What the API's own document says, taken over when the portal is built: its routes, limits of fields, who may do what, and which actions
// are recorded. A part of it that cannot be read ends the build.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { addServerTemplate, addTemplate, addTypeTemplate, defineNuxtModule } from "nuxt/kit";

interface Schema {
  $ref?: string;
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

interface Parameter {
  name: string;
  schema: Schema;
}

interface OpenApi {
  paths: Record<string, Record<string, { parameters?: Parameter[] }>>;
  components: { schemas: Record<string, Schema> };
  webhooks?: Record<string, unknown>;
  "x-dezky-policy"?: unknown;
}

/** What a value may be at most: characters of a text, least and greatest of a number, and entries of a list. */
interface Limit {
  length?: number;
  least?: number;
  most?: number;
  items?: number;
}

const DOCUMENT = fileURLToPath(new URL("../../../core/openapi.json", import.meta.url));

/** The greatest number of characters that a pattern such as `^[a-z]{1,64}$` allows. */
const lengthOf = ({ maxLength, pattern }: Schema) => maxLength ?? (Number(/^\^\[[^\]]+\]\{\d+,(\d+)\}\$$/.exec(pattern ?? "")?.[1]) || undefined);

function limitOf(schema: Schema): Limit | undefined {
  const limit = { length: lengthOf(schema), least: schema.minimum, most: schema.maximum, items: schema.maxItems };
  return Object.values(limit).some((value) => value !== undefined) ? limit : undefined;
}

/** Limits of a schema's values by their paths: `name`, `billingInfo.company`, `launcherLinks[].title`. */
function limitsIn(api: OpenApi, schema: Schema, path: string): [string, Limit][] {
  if (schema.$ref) return limitsIn(api, api.components.schemas[schema.$ref.split("/").at(-1)!]!, path);
  const own = limitOf(schema);
  return [
    ...(own ? [[path, own] as [string, Limit]] : []),
    ...(schema.oneOf ?? []).flatMap((one) => limitsIn(api, one, path)),
    ...(schema.items ? limitsIn(api, schema.items, `${path}[]`) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, one]) => limitsIn(api, one, path ? `${path}.${name}` : name)),
  ];
}

/** Limits by what is sent: `UpdateTenantBody`, or `GET /tenants` for its parameters. */
function limits(api: OpenApi) {
  const bodies = Object.entries(api.components.schemas).filter(([name]) => /^(?:Create|Update|Grant).*Body$/.test(name));
  const lists = Object.entries(api.paths).flatMap(([path, { get }]) => (get?.parameters ? [[`GET ${path}`, get.parameters] as const] : []));
  return Object.fromEntries([
    ...bodies.map(([name, schema]) => [name, Object.fromEntries(limitsIn(api, schema, ""))]),
    ...lists.map(([name, parameters]) => [name, Object.fromEntries(parameters.flatMap(({ name: own, schema }) => limitsIn(api, schema, own)))]),
  ]);
}

/** The API's routes as one pattern of paths: those of the document, and the document itself. */
function routes(api: OpenApi): string {
  const paths = [...Object.keys(api.paths), "/openapi.json"];
  const pattern = (path: string) => path.split(/\{\w+\}/).map((part) => part.replace(/[^\w/-]/g, "\\$&")).join("[^/?]+");
  return `^(?:${paths.map(pattern).join("|")})(?:\\?|$)`;
}

function told<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`core/openapi.json does not tell ${what}`);
  return value;
}

export default defineNuxtModule({
  meta: { name: "dezky-api" },
  setup() {
    const api = JSON.parse(readFileSync(DOCUMENT, "utf8")) as OpenApi;
    const constants = {
      DELIVERY_STATUSES: told(api.components.schemas.DeliveryStatus?.enum, "the states of deliveries"),
      LIMITS: limits(api),
      POLICY: told(api["x-dezky-policy"], "the policy"),
      RECORDED: told(api.webhooks && Object.keys(api.webhooks), "the types of events"),
      ROLES: told(api.components.schemas.MembershipRole?.enum, "the roles of members"),
    };
    addTemplate({
      filename: "dezky-api.mjs",
      getContents: () => Object.entries(constants).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`).join(""),
    });
    addServerTemplate({ filename: "#dezky/routes", getContents: () => `export const ROUTES = new RegExp(${JSON.stringify(routes(api))});\n` });
    const types = { nuxt: true, nitro: true };
    addTypeTemplate({ filename: "types/dezky-routes.d.ts", getContents: () => `declare module "#dezky/routes" {\n  export const ROUTES: RegExp;\n}\n` }, types);
    addTypeTemplate({
      // Beside the module and under its name: Nuxt would otherwise declare it without types.
      filename: "dezky-api.d.ts",
      getContents: () => `declare module "#build/dezky-api.mjs" {
  export const DELIVERY_STATUSES: import("@dezky/sdk").DeliveryStatus[];
  export const LIMITS: Record<string, Record<string, { length?: number; least?: number; most?: number; items?: number }>>;
  export const POLICY: {
    callers: { name: string; is: Record<string, unknown> | null; lastingAdmin?: boolean }[];
    actions: Record<string, {
      allowed: string[];
      apiKeys?: "tenant" | "platform";
      suspended?: string[];
      deleted?: string[];
      lastingAdmin?: string[];
      fields?: Record<string, string[]>;
      lastingAdminFields?: Record<string, string[]>;
    }>;
    memberships: { owner: string[]; lastOwner: string[] };
  };
  /** The actions that the audit trail records. */
  export const RECORDED: string[];
  export const ROLES: import("@dezky/sdk").MembershipRole[];
}
`,
    });
  },
});
