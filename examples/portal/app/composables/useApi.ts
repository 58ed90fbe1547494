/**
 * Calls Dezky's API: `api<TenantView>("/tenants/acme")`, `api.raw(...)` for headers too. While a page is rendered on the server that is a
 * call in the same process. Failures are told by `toProblem(error)`.
 */
export const useApi = () => useNuxtApp().$api;
