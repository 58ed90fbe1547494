// Pages are rendered for each client at a bounded rate: that is the work that a stranger can cause. Files and the API are not meant; the
// API has limits of its own.
import { createHash } from "node:crypto";
import type { H3Event } from "h3";
import { LANGUAGE_COOKIE } from "../../app/domain/cookies";
import { clientOf } from "../http/client";
import { Rate } from "../http/rate";

/** How many seconds of the rate a client may use at once. */
const AT_ONCE = 5;

let rate: Rate | undefined;

/** The rate of each client; `undefined` where there is none. */
function pages(): Rate | undefined {
  const perSecond = Number(useRuntimeConfig().pageRate) || 0;
  if (perSecond > 0) rate ??= new Rate(perSecond, AT_ONCE);
  return rate;
}

/** What the framework asks itself for, to answer a request that was counted already. */
const isInternal = (event: H3Event) => "__unenv__" in event.node.req;

const TEXTS = {
  en: { title: "Too many requests", text: (seconds: number) => `Wait ${seconds} s and load the page again.` },
  de: { title: "Zu viele Anfragen", text: (seconds: number) => `Warten Sie ${seconds} s und laden Sie die Seite neu.` },
};

const STYLE =
  "body{display:grid;place-content:center;min-height:90vh;margin:0;padding:0 24px;font:16px/1.5 system-ui,sans-serif;text-align:center}h1{margin:0 0 8px;font-size:22px}p{margin:0;opacity:.75}";
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; frame-ancestors 'none'`;

/** A page that costs nothing to make. */
function page(language: keyof typeof TEXTS, seconds: number): string {
  const { title, text } = TEXTS[language];
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} · Dezky</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><p>${text(seconds)}</p></main></body>
</html>
`;
}

export default defineEventHandler((event) => {
  if (event.path === "/healthz" || event.path.startsWith("/api/") || isInternal(event)) return;
  const wait = pages()?.take(clientOf(event), performance.now()) ?? 0;
  if (wait === 0) return;
  const seconds = Math.ceil(wait / 1000);
  const chosen = getCookie(event, LANGUAGE_COOKIE) ?? getRequestHeader(event, "accept-language") ?? "";
  setResponseStatus(event, 429);
  setResponseHeaders(event, { "retry-after": seconds, "cache-control": "no-store", "content-security-policy": POLICY });
  return send(event, page(/^de\b/i.test(chosen) ? "de" : "en", seconds), "text/html; charset=utf-8");
});
