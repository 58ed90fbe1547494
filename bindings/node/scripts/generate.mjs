// Writes what follows from the API's document: `lib/api.d.ts`, the types of documents, inputs and scopes with the comments
// of the Rust code, `lib/operations.cjs`, the requests behind the methods, and the table of the README.
//
// node scripts/generate.mjs OPENAPI.json [--check]: with --check nothing is written, and the exit code is 1 where the files differ.
import { readFileSync, writeFileSync } from "node:fs";

const [source, check] = process.argv.slice(2);
const api = JSON.parse(readFileSync(source, "utf8"));
const schemas = api.components.schemas;
const typeName = (schema) => schema.replace(/Body$/, "");
const reference = (schema) => schema.$ref?.split("/").at(-1);

/** Resources of other standards, whose clients bring their own types. */
const FOREIGN = api.tags.filter(({ externalDocs }) => externalDocs).map(({ name }) => name);

/** The names of the schemas that a part of the document refers to, and those refer to. */
function referred(part, names = new Set()) {
  for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    if (!names.has(name)) referred(schemas[name], names.add(name));
  }
  return names;
}

const every = Object.values(api.paths).flatMap((methods) => Object.values(methods));
const isForeign = (operation) => operation.tags.some((tag) => FOREIGN.includes(tag));
const own = referred(every.filter((operation) => !isForeign(operation)));
for (const name of referred(every.filter(isForeign))) if (!own.has(name)) delete schemas[name];

function comment(indent, ...lines) {
  const text = lines.filter(Boolean).join("\n\n").split("\n");
  const mark = text.length === 1 ? [`/** ${text[0]} */`] : ["/**", ...text.map((line) => ` * ${line}`.trimEnd()), " */"];
  return mark.map((line) => indent + line).join("\n");
}

function type(schema) {
  const name = reference(schema);
  if (name) return /Page$/.test(name) ? `Page<${type(schemas[name].properties.items.items)}>` : typeName(name);
  // One of some names, or another text: `string & {}` keeps an editor proposing the names.
  if (schema.anyOf) return schema.anyOf.map((part) => (reference(part) ? type(part) : `(${type(part)} & {})`)).join(" | ");
  if (schema.oneOf) return schema.oneOf.map(type).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const kinds = [schema.type].flat();
  const one = (kind) => {
    if (kind === "array") {
      const item = type(schema.items);
      return item.includes(" ") ? `Array<${item}>` : `${item}[]`;
    }
    if (kind === "integer") return "number";
    // A document whose fields are those of its collection.
    if (kind === "object") return "Record<string, unknown>";
    if (["string", "number", "boolean", "null"].includes(kind)) return kind;
    throw new Error(`a schema of a kind that is not known here: ${JSON.stringify(schema)}`);
  };
  return kinds.map(one).join(" | ");
}

/** What a value must be beyond its type. */
function bounds(schema) {
  const said = [];
  if (schema.format === "date-time" && !schema.description?.includes("RFC 3339")) said.push("RFC 3339");
  if (schema.minimum !== undefined && schema.maximum !== undefined) said.push(`${schema.minimum} to ${schema.maximum}`);
  if (schema.maxLength) said.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`);
  if (schema.maxItems) said.push(`at most ${schema.maxItems}`);
  return said.length ? `(${said.join("; ")})` : "";
}

function members(schema, indent) {
  return Object.entries(schema.properties ?? {})
    .map(([name, property]) => {
      const described = property.description ?? (property.oneOf ?? property.anyOf)?.find((part) => part.description)?.description ?? "";
      const optional = schema.required?.includes(name) ? "" : "?";
      const text = [described, bounds(property)].filter(Boolean).join(" ");
      return `${comment(indent, text || name)}\n${indent}${name}${optional}: ${type(property)};`;
    })
    .join("\n");
}

const declarations = Object.entries(schemas)
  .filter(([name]) => !/Page$|^Problem|^LogoutForm$/.test(name))
  .map(([name, schema]) => {
    const head = comment("", schema.description);
    if (schema.type !== "object") return `${head}\nexport type ${typeName(name)} = ${type(schema)};`;
    return `${head}\nexport interface ${typeName(name)} {\n${members(schema, "  ")}\n}`;
  });

/** Where the document says which method calls an operation, such as `myTenants.list`; where it does not, none does. */
const METHOD = "x-dezky-method";

/** The operations that methods call, resource by resource. */
const tags = api.tags.map(({ name }) => name);
const operations = Object.entries(api.paths)
  .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })))
  .filter((operation) => METHOD in operation)
  .map((operation) => ({ ...operation, place: operation[METHOD], parameters: operation.parameters ?? [] }))
  .sort((one, other) => tags.indexOf(one.tags[0]) - tags.indexOf(other.tags[0]));

/** The objects that have methods, and what they are: as the tag of their operations says. */
const RESOURCES = Object.fromEntries(
  operations
    .filter(({ place }) => place.includes("."))
    .map(({ place, tags: [tag] }) => [place.split(".")[0], api.tags.find(({ name }) => name === tag).description]),
);

const capital = (name) => `${name[0].toUpperCase()}${name.slice(1)}`;

/** The name of the filter of a method: `tenants.list` takes `TenantsQuery`, `tenants.export` takes `TenantsExportQuery`. */
const queryName = (operation) => {
  const [resource, name] = operation.place.split(".");
  return `${capital(resource)}${name === "list" ? "" : capital(name)}Query`;
};

/** The name of the method that gives all items of a list page by page, as `lib/scope.cjs` names it. */
const allOf = (name) => (name === "list" ? "all" : `${name}All`);
const isPaged = (operation) => parametersIn(operation, "query").some(({ name }) => name === "cursor");

const parametersIn = (operation, place) => operation.parameters.filter((parameter) => parameter.in === place);
const hasHeader = (operation, name) => parametersIn(operation, "header").some((parameter) => parameter.name === name);

const queries = operations
  .filter((operation) => parametersIn(operation, "query").length)
  .map((operation) => {
    const own = parametersIn(operation, "query").filter(({ name }) => !["limit", "cursor"].includes(name));
    const properties = Object.fromEntries(own.map(({ name, schema, description }) => [name, { ...schema, description }]));
    const fields = members({ properties }, "  ").replaceAll(" | null;", ";");
    const paging = isPaged(operation) ? " extends ListQuery" : "";
    return `/** Which items \`${operation.place}\` tells of. */\nexport interface ${queryName(operation)}${paging} {\n${fields}\n}`;
  });

function options(operation) {
  if (operation.method === "GET") return "CallOptions";
  if (operation.method !== "POST") return "ChangeOptions";
  return hasHeader(operation, "If-Match") ? "WriteOptions" : "CreateOptions";
}

function result(operation) {
  const [, answer] = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  return answer.content ? type(answer.content["application/json"].schema) : "void";
}

function signatures(operation) {
  const name = operation.place.split(".").at(-1);
  const parts = parametersIn(operation, "path").map((parameter) => `${parameter.name}: string`);
  const told = parametersIn(operation, "path").map((parameter) => `@param ${parameter.name} ${parameter.description}`);
  const body = operation.requestBody && Object.values(operation.requestBody.content)[0].schema;
  if (body) {
    const patch = operation.method === "PATCH";
    parts.push(`${patch ? "patch" : "input"}: ${type(body)}`);
    if (patch) told.push("@param patch What changes; `null` takes a value away.");
  }
  const query = parametersIn(operation, "query").length > 0;
  if (query) parts.push(`query?: ${queryName(operation)}`);
  parts.push(`options?: ${options(operation)}`);
  const summary = `${operation.summary}.`;
  const declared = [`${comment("  ", summary, told.join("\n"))}\n  ${name}(${parts.join(", ")}): Promise<${result(operation)}>;`];
  if (isPaged(operation)) {
    const item = result(operation).replace(/^Page<(.*)>$/, "$1");
    const text = `All items of \`${name}\`, page by page as they are asked for: \`for await (const item of …)\`.`;
    declared.push(`${comment("  ", text)}\n  ${allOf(name)}(${parts.join(", ")}): AsyncGenerator<${item}, void, undefined>;`);
  }
  return declared.join("\n");
}

const resources = Object.entries(RESOURCES).map(([resource, text]) => {
  const own = operations.filter((operation) => operation.place.startsWith(`${resource}.`));
  const name = `${resource[0].toUpperCase()}${resource.slice(1)}`;
  return `${comment("", text)}\nexport interface ${name} {\n${own.map(signatures).join("\n")}\n}`;
});

const scope = [
  "/** The use cases, on behalf of one caller. */",
  "export interface Scope {",
  ...operations.filter((operation) => !operation.place.includes(".")).map(signatures),
  ...Object.entries(RESOURCES).map(
    ([resource, text]) => `${comment("  ", text)}\n  readonly ${resource}: ${resource[0].toUpperCase()}${resource.slice(1)};`,
  ),
  "}",
].join("\n");

const note = "// Generated by scripts/generate.mjs from the API's document. Do not edit: run `npm run generate`.\n";
const types = [
  note +
    'import type { CallOptions, ChangeOptions, CreateOptions, ListQuery, Page, WriteOptions } from "../index.js";',
  ...declarations,
  ...queries,
  ...resources,
  scope,
].join("\n\n");

const table = operations.map((operation) => {
  const row = {
    method: operation.method,
    path: operation.path,
    query: parametersIn(operation, "query").map(({ name }) => name),
    body: operation.requestBody ? Object.keys(operation.requestBody.content)[0] : null,
  };
  return `  ${JSON.stringify(operation.place)}: ${JSON.stringify(row)},`;
});
const requests = `"use strict";\n${note}\nmodule.exports = {\n${table.join("\n")}\n};\n`;

/** The table of the README, which stands there between two marks. */
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const methodsOf = (resource) => {
  const own = operations.filter(({ place }) => place.startsWith(resource));
  const names = own.flatMap((operation) => {
    const name = operation.place.slice(resource.length);
    return name.includes(".") ? [] : isPaged(operation) ? [name, allOf(name)] : [name];
  });
  return names.map((name) => `\`${name}\``).join(", ");
};
const rows = [["", ""], ...Object.keys(RESOURCES).map((resource) => [`\`${resource}\``, `${resource}.`])];
const methods = ["| scope | methods |", "|---|---|", ...rows.map(([name, start]) => `| ${name}${name && " "}| ${methodsOf(start)} |`)].join("\n");
const [before, after] = [/^[^]*<!-- methods -->\n/, /\n<!-- end of methods -->[^]*$/].map((part) => part.exec(readme)?.[0]);
if (!before || !after) throw new Error("scripts/generate.mjs: README.md does not say where its methods are");

let stale = false;
for (const [file, text] of [["lib/api.d.ts", `${types}\n`], ["lib/operations.cjs", requests], ["README.md", before + methods + after]]) {
  const path = new URL(`../${file}`, import.meta.url);
  if (!check) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`bindings/node/${file} does not follow from the code any more: run \`npm run generate\` in bindings/node`);
    stale = true;
  }
}
process.exitCode = stale ? 1 : 0;
