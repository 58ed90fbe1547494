// `$api`: Dezky's API as pages call it.
import type { H3Event } from "h3";
import type { FetchOptions } from "ofetch";
import type { Api } from "../composables/useApi";

/** Calls of the portal's own routes with the headers of the page's request, in this process. */
function inProcess(event: H3Event): typeof fetch {
  return (input, init) => {
    // A page may be reached from any other site; what it needs, it asks for itself. (The fetch of an event takes plain objects only.)
    const headers: Record<string, string> = { ...Object.fromEntries(new Headers(init?.headers)), "sec-fetch-site": "same-origin" };
    // Its own connection is none: whose it is stands in that of the page.
    const addresses = [event.headers.get("x-forwarded-for"), event.node.req.socket.remoteAddress].filter(Boolean);
    if (addresses.length) headers["x-forwarded-for"] = addresses.join(", ");
    return event.fetch(String(input), { ...init, headers });
  };
}

export default defineNuxtPlugin({
  name: "api",
  setup() {
    const site = useSite();
    const event = useRequestEvent();
    const create = $fetch.create as unknown as (defaults: FetchOptions, settings?: { fetch: typeof fetch }) => Api;
    const api = create(
      {
        baseURL: "/api",
        // What may be tried again is the person's to decide.
        retry: false,
        onResponseError({ response, request }) {
          if (import.meta.server || response.status !== 401 || String(request).endsWith("/api/me")) return;
          window.location.assign(site.signInUrl(window.location.href));
        },
      },
      event ? { fetch: inProcess(event) } : undefined,
    );
    return { provide: { api } };
  },
});
