import type { FetchOptions, FetchResponse } from "ofetch";

/** Dezky's API as pages call it; failures are told by `toProblem(error)`. */
export interface Api {
  /**
   * @param path The API's own: `/tenants/acme`.
   */
  <Answer>(path: string, options?: FetchOptions): Promise<Answer>;
  /** With headers; the answer is in `_data`. */
  raw<Answer>(path: string, options?: FetchOptions): Promise<FetchResponse<Answer>>;
}

/**
 * Calls Dezky's API: `api<TenantView>("/tenants/acme")`. While a page is rendered on the server that is a call in the same process.
 */
export const useApi = (): Api => useNuxtApp().$api;
