import type { WorkspaceView } from "@dezky/sdk";
import type { Ref } from "vue";

/** The longest wait for another look at what does not change, in seconds, unless the API asks for a longer one. */
const LONGEST = 30;
/** How long a page that nobody touches goes on looking, in milliseconds: less than a session lasts without use. */
const PATIENCE = 30 * 60 * 1_000;
/** Looks after a request to try again or to check: its effect comes later. */
const LOOKS_AFTER_REQUEST = 5;
/** The wait between those, in seconds. */
const SHORT = 2;

interface Look {
  view: WorkspaceView;
  /** Seconds after which another look is worth it; `null` where everything is as it should be. */
  again: number | null;
}

/**
 * The state of the systems behind a tenant. While the API says that another look is worth it (`Retry-After`), and the page can be seen,
 * it is looked at again: ever more seldom where nothing changes, and for half an hour.
 *
 * @param tenant The tenant; `undefined` where the caller sees none.
 * @param then Looks up what the answer is to be shown with, before it is.
 */
export function useWorkspace(tenant: () => string | undefined, then?: (view: WorkspaceView) => Promise<unknown>) {
  const api = useApi();
  const path = () => `/tenants/${encodeURIComponent(tenant() ?? "")}/workspace`;
  async function ask(below = "", options = {}): Promise<Look> {
    const response = await api.raw<WorkspaceView>(path() + below, options);
    const view = response._data as WorkspaceView;
    await then?.(view);
    return { view, again: Number(response.headers.get("retry-after")) || null };
  }
  const loaded = useAsyncData(
    () => `workspace ${tenant()}`,
    async () => (tenant() ? await ask() : null),
    { lazy: true },
  );
  const look = computed(() => (loaded.data.value as Look | null | undefined) ?? null);
  const view = computed(() => look.value?.view);
  /** Why the last look, after one that went well, brought nothing. */
  const failure = shallowRef<unknown>();

  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = 0;
  let further = 0;
  let over = true;
  let touched = 0;

  /** Shows a look. Returns whether it differs from the last one. */
  function keep(fresh: Look): boolean {
    const changed = JSON.stringify(fresh.view) !== JSON.stringify(view.value);
    (loaded.data as Ref<unknown>).value = fresh;
    failure.value = undefined;
    return changed;
  }

  /** Seconds until the next look; `null` where there is none. */
  function wait(): number | null {
    const asked = look.value?.again ?? (further > 0 ? SHORT : null);
    return over || asked === null || document.hidden || Date.now() - touched > PATIENCE ? null : Math.max(asked, pause);
  }

  function plan() {
    clearTimeout(timer);
    const seconds = wait();
    if (seconds !== null) timer = setTimeout(() => void lookAgain(), seconds * 1000);
  }

  async function lookAgain() {
    clearTimeout(timer);
    const asked = path();
    try {
      const fresh = await ask();
      if (over || asked !== path()) return;
      pause = keep(fresh) ? 0 : Math.min(LONGEST, Math.max(pause, SHORT) * 1.5);
    } catch (error) {
      if (over || asked !== path()) return;
      failure.value = error;
      const { status, retryAfter = 0 } = toProblem(error);
      // What is refused now is refused again.
      if (status >= 400 && status < 500 && status !== 429) return;
      pause = Math.max(retryAfter, Math.min(LONGEST, Math.max(pause, SHORT) * 2));
    }
    further = Math.max(0, further - 1);
    plan();
  }

  function seen() {
    touched = Date.now();
    pause = 0;
    if (wait() === null) clearTimeout(timer);
    else void lookAgain();
  }

  onMounted(() => {
    over = false;
    touched = Date.now();
    document.addEventListener("visibilitychange", seen);
    watch(look, plan, { immediate: true });
  });
  onBeforeUnmount(() => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  });

  return {
    view,
    failure,
    /** Nothing has been answered yet: time for a skeleton. */
    starting: computed(() => !view.value && !loaded.error.value),
    error: computed(() => (view.value ? undefined : loaded.error.value)),
    refresh: () => loaded.refresh(),
    /** Asks for another attempt at what failed, or for a look at everything. */
    async request(what: "retry" | "check") {
      keep(await ask(`/${what}`, { method: "POST", headers: { "Idempotency-Key": crypto.randomUUID() } }));
      touched = Date.now();
      further = LOOKS_AFTER_REQUEST;
      pause = 0;
      plan();
    },
  };
}
