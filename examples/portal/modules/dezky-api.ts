// What the API's own documents say, taken over when the portal is built: limits of fields out of its OpenAPI document, and who may do what
// out of the policy that is printed from its code. A part of them that cannot be read ends the build.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { addTemplate, addTypeTemplate, defineNuxtModule } from "nuxt/kit";

interface Schema {
  $ref?: string;
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  maxLength?: number;
  pattern?: string;
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
}

/** What a value may be at most: characters of a text, and least and greatest of a number. */
interface Limit {
  length?: number;
  least?: number;
  most?: number;
}

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

/** The greatest number of characters that a pattern such as `^[a-z]{1,64}$` allows. */
const lengthOf = ({ maxLength, pattern }: Schema) => maxLength ?? (Number(/^\^\[[^\]]+\]\{\d+,(\d+)\}\$$/.exec(pattern ?? "")?.[1]) || undefined);

function limitOf(schema: Schema): Limit | undefined {
  const limit = { length: lengthOf(schema), least: schema.minimum, most: schema.maximum };
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

/** A table in Markdown as its cells, by the first one's code. */
function table(markdown: string, first: string): { columns: string[]; rows: [string, string[]][] } {
  const lines = markdown.slice(markdown.indexOf(`| ${first} |`)).split("\n");
  const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const rows = lines.slice(2, lines.findIndex((line, at) => at > 1 && !line.startsWith("|")) >>> 0).map(cells);
  const columns = cells(lines[0] ?? "");
  if (!columns.length || !rows.length) throw new Error(`docs/authorization.md has no table of each ${first}`);
  return { columns, rows: rows.map(([name = "", ...rest]) => [name, rest]) };
}

/** Who may do each action, set each field that not everybody may set who does it, and do what to administrators of the platform by grant. */
function policy(markdown: string) {
  const named = (name: string, form: RegExp) => form.exec(name)?.slice(1) ?? fail(`docs/authorization.md has a row \`${name}\``);
  const yes = (columns: string[], cells: string[], last: number) => columns.slice(1, last).filter((_, at) => cells[at] === "yes");
  const { columns, rows } = table(markdown, "action");
  const [suspended, deleted] = [columns.indexOf("while suspended"), columns.indexOf("when deleted")];
  if (suspended < 0 || deleted < 0) fail("docs/authorization.md does not say what holds of suspended and deleted tenants");
  const actions = rows.map(([name, cells]) => [
    named(name, /^`([\w.]+)`$/)[0],
    { allowed: yes(columns, cells, Math.min(suspended, deleted)), suspended: cells[suspended - 1] === "yes", deleted: cells[deleted - 1] === "yes" },
  ]);
  const of = table(markdown, "field");
  const fields = of.rows.map(([name, cells]) => {
    const [field, action] = named(name, /^`(\w+)` in `([\w.]+)`$/);
    return [`${action} ${field}`, yes(of.columns, cells, of.columns.length)];
  });
  const lastly = table(markdown, "to administrators of the platform by grant");
  const lasting = lastly.rows.map(([name, cells]) => {
    const [field, action] = named(name, /^(?:`(\w+)` in )?`([\w.]+)`$/);
    return [field ? `${action} ${field}` : action, yes(lastly.columns, cells, lastly.columns.length)];
  });
  return { actions: Object.fromEntries(actions), fields: Object.fromEntries(fields), lasting: Object.fromEntries(lasting) };
}

function fail(what: string): never {
  throw new Error(what);
}

export default defineNuxtModule({
  meta: { name: "dezky-api" },
  setup() {
    const api = limits(JSON.parse(text("core/openapi.json")) as OpenApi);
    const { actions, fields, lasting } = policy(text("docs/authorization.md"));
    const constants = { LIMITS: api, ACTIONS: actions, FIELDS: fields, LASTING: lasting };
    addTemplate({
      filename: "dezky-api.mjs",
      getContents: () => Object.entries(constants).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`).join(""),
    });
    addTypeTemplate({
      filename: "types/dezky-api.d.ts",
      getContents: () => `declare module "#build/dezky-api.mjs" {
  export const LIMITS: Record<string, Record<string, { length?: number; least?: number; most?: number }>>;
  export const ACTIONS: Record<string, { allowed: string[]; suspended: boolean; deleted: boolean }>;
  export const FIELDS: Record<string, string[]>;
  export const LASTING: Record<string, string[]>;
}
`,
    });
  },
});
