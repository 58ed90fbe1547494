// Dezky's API: in this process over its store, or elsewhere over HTTP where NUXT_DEZKY_API_URL says so.
import { Dezky } from "@dezky/sdk";
import { applicationUrl, portalHostname } from "../http/site";

/** What answers requests to Dezky's API; paths are the API's own. */
export interface DezkyApi {
  fetch(request: { path: string; method: string; headers: Headers; body?: ReadableStream | null; signal?: AbortSignal }): Promise<Response>;
  close(): Promise<void>;
}

/**
 * Settings of the store and of issuers come from `DEZKY_*` variables and dezky.toml, as those of `dezky serve`. Like that, it runs
 * all background tasks unless `DEZKY_TASKS` says otherwise: nothing else may be running on the store.
 */
async function inProcess(): Promise<DezkyApi> {
  const dezky = await Dezky.open({ publicDomain: portalHostname(), tasks: process.env.DEZKY_TASKS ?? "all" });
  return {
    fetch: ({ path, ...rest }) => dezky.fetch(new Request(new URL(path, applicationUrl()), { ...rest, duplex: "half" } as RequestInit)),
    close: () => dezky.close(),
  };
}

function elsewhere(address: string): DezkyApi {
  const base = address.replace(/\/+$/, "");
  if (!URL.canParse(base)) throw new Error(`NUXT_DEZKY_API_URL: \`${address}\` is not a URL`);
  return {
    async fetch({ path, ...rest }) {
      // What packs an answer on the way collects it first, and events are for now.
      if (rest.headers.get("accept")?.includes("text/event-stream")) rest.headers.set("accept-encoding", "identity");
      const response = await fetch(base + path, { ...rest, duplex: "half", redirect: "manual" } as RequestInit);
      const headers = new Headers(response.headers);
      // What belonged to the connection, and to the body before it was unpacked.
      for (const name of ["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"]) headers.delete(name);
      return new Response(response.body, { status: response.status, headers });
    },
    close: () => Promise.resolve(),
  };
}

let opened: Promise<DezkyApi> | undefined;

/** The API of this deployment, opened once. */
export function dezkyApi(): Promise<DezkyApi> {
  const { dezkyApiUrl } = useRuntimeConfig();
  opened ??= dezkyApiUrl ? Promise.resolve(dezkyApiUrl).then(elsewhere) : inProcess();
  return opened;
}
