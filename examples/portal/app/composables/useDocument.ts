import type { TenantView } from "@dezky/sdk";
import type { InjectionKey, Ref } from "vue";
import { rightsIn } from "~/domain/rights";

interface Tagged<T> {
  value: T;
  tag: string | null;
}

export interface DocumentHandle<T> {
  value: Readonly<Ref<T | undefined>>;
  pending: Readonly<Ref<boolean>>;
  error: Readonly<Ref<unknown>>;
  refresh: () => Promise<void>;
  /** Changes it by a merge patch, if it still is what was read; otherwise the API answers 412. */
  change: (patch: object) => Promise<T>;
  /** Sends a request about it, such as `POST …/suspend`, whose answer is the document. */
  act: (path: string, body?: object) => Promise<T>;
  remove: () => Promise<void>;
}

/** A document of the API with its entity tag, so that nobody's change is overwritten unseen. */
export function useDocument<T>(path: () => string): DocumentHandle<T> {
  const api = useApi();
  const event = useRequestEvent();
  const loaded = useAsyncData(
    () => `document ${path()}`,
    async () => {
      const response = await api.raw<T>(path()).catch((error: unknown) => {
        // A page about what is not there is none that was found.
        if (event) setResponseStatus(event, toProblem(error).status || 503);
        throw error;
      });
      return { value: response._data as T, tag: response.headers.get("etag") } as Tagged<T>;
    },
    { lazy: true },
  );
  const value = computed(() => (loaded.data.value as Tagged<T> | undefined)?.value);
  const pending = computed(() => loaded.status.value === "pending" || loaded.status.value === "idle");
  /** What is changed before it is here is changed once it is: without its tag, another's change would be overwritten. */
  const guard = async () => {
    if (pending.value) await loaded.refresh({ dedupe: "defer" });
    if (!loaded.data.value && loaded.error.value) throw loaded.error.value;
    const tag = (loaded.data.value as Tagged<T> | undefined)?.tag;
    return tag ? { "If-Match": tag } : undefined;
  };
  const keep = (response: { _data?: unknown; headers: Headers }) => {
    const fresh: Tagged<T> = { value: response._data as T, tag: response.headers.get("etag") };
    (loaded.data as Ref<unknown>).value = fresh;
    return fresh.value;
  };
  return {
    value,
    pending,
    error: computed(() => loaded.error.value),
    refresh: () => loaded.refresh(),
    change: async (patch) => keep(await api.raw<T>(path(), { method: "PATCH", body: patch, headers: await guard() })),
    act: async (below, body) => keep(await api.raw<T>(`${path()}${below}`, { method: "POST", body, headers: { "Idempotency-Key": crypto.randomUUID() } })),
    remove: async () => {
      await api(path(), { method: "DELETE", headers: await guard() });
    },
  };
}

export const TENANT: InjectionKey<DocumentHandle<TenantView>> = Symbol("tenant");

/** The tenant that the surrounding page is about. */
export function useTenant() {
  const tenant = inject(TENANT);
  if (!tenant) throw new Error("this component belongs into the page of a tenant");
  const { user } = useMe();
  // The pages inside are shown only once the tenant is there. When it is taken away they see it until they are gone, too.
  let last = tenant.value.value as TenantView;
  const view = computed(() => (last = tenant.value.value ?? last));
  return { tenant: view, handle: tenant, rights: computed(() => rightsIn(view.value, user.value)) };
}
