"use strict";
const { ask } = require("./call.cjs");
const { fromProblem, make } = require("./errors.cjs");
const operations = require("./operations.cjs");




/** The entity tags of the documents that were given out. */
const tags = new WeakMap();

function entityTag(document) {
  return tags.get(document);
}

function headerOf(answer, wanted) {
  const lines = answer.headers.split("\n");
  for (let at = 0; at < lines.length; at += 2) if (lines[at] === wanted) return lines[at + 1];
  return undefined;
}

/** What an answer stands for: a document, nothing, or an error. */
function read(answer) {
  const document = answer.body === "" ? undefined : JSON.parse(answer.body);
  if (answer.status >= 400) throw fromProblem(document, headerOf(answer, "retry-after"));
  if (document !== undefined) {
    const tag = headerOf(answer, "etag");
    if (tag) tags.set(document, tag);
  }
  return document;
}

function wrong(field, message) {
  return make({
    kind: "invalid",
    code: "invalid_fields",
    status: 422,
    message: `\`${field}\`: ${message}`,
    fields: [{ field, code: "wrong_type", message }],
  });
}

function ifMatch(version) {
  const tag = typeof version === "string" ? version : tags.get(version);
  if (tag === undefined) throw wrong("ifMatch", "must be a document as this package gave it, or an entity tag");
  return tag;
}

/** A header that one line cannot hold would be another header. */
function header(field, value) {
  if (typeof value !== "string" || /[\r\n\0]/.test(value)) throw wrong(field, "must be text of one line");
  return value;
}

function headersOf(operation, authorization, options) {
  const lines = [];
  if (authorization) lines.push("authorization", authorization);
  if (operation.body) lines.push("content-type", operation.body);
  if (options.ifMatch !== undefined) lines.push("if-match", header("ifMatch", ifMatch(options.ifMatch)));
  if (options.idempotencyKey !== undefined) {
    lines.push("idempotency-key", header("idempotencyKey", options.idempotencyKey));
  }
  return lines.join("\n");
}

function urlOf(operation, places, query) {
  let next = 0;
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => {
    const place = places[next++];
    if (typeof place !== "string" || place === "") throw wrong(name, "must be text that is not empty");
    // These two would be steps in the path, and no names in it.
    return place === "." || place === ".." ? place.replaceAll(".", "%2E") : encodeURIComponent(place);
  });
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return path + (text && `?${text}`);
}

/** The method behind an entry of the table of operations. */
function method(platform, caller, operation) {
  const places = operation.path.split("{").length - 1;
  return async function call(...given) {
    const at = given.slice(0, places);
    const rest = given.slice(places);
    const body = operation.body ? Buffer.from(JSON.stringify(rest.shift()) ?? "") : null;
    const query = operation.query.length ? rest.shift() : undefined;
    const options = rest.shift() ?? {};
    const answer = await ask(platform, {
      actor: caller.actor,
      method: operation.method,
      url: urlOf(operation, at, query),
      headers: headersOf(operation, caller.authorization, options),
      body,
      signal: options.signal,
    });
    return read(answer);
  };
}

/** All items of a list, page by page. */
function everything(list, places) {
  return async function* all(...given) {
    const at = given.slice(0, places);
    const [query, options] = given.slice(places);
    let cursor = query?.cursor;
    do {
      const page = await list(...at, { ...query, cursor }, options);
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor);
  };
}

/** The use cases on behalf of a caller: `{ authorization }` or `{ actor }`. */
function scope(platform, caller) {
  const made = {};
  for (const [place, operation] of Object.entries(operations)) {
    const call = method(platform, caller, operation);
    const [resource, name] = place.split(".");
    if (!name) {
      made[resource] = call;
      continue;
    }
    made[resource] ??= {};
    made[resource][name] = call;
    if (operation.query.includes("cursor")) {
      made[resource][name === "list" ? "all" : `${name}All`] = everything(call, operation.path.split("{").length - 1);
    }
  }
  for (const part of Object.values(made)) Object.freeze(part);
  return Object.freeze(made);
}

module.exports = { entityTag, header, read, scope };
