import type { WorkspaceView } from "@dezky/sdk";
import type { Ref } from "vue";
import { follow, type Following } from "~/domain/live";

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
  /** Seconds after which another look is worth it; `null` where everything is as it should be, or changes are told. */
  again: number | null;
}

interface Options {
  /** Looks up what the answer is to be shown with, before it is. */
  then?: (view: WorkspaceView) => Promise<unknown>;
  /** Whether changes are of interest after all is ready, too. Default: `false`; most pages are of such workspaces. */
  lasting?: boolean;
}

/**
 * The state of the systems behind a tenant. While the page can be seen, and for half an hour, the API tells of each change. Where that
 * cannot be had, the page looks again as often as the API says (`Retry-After`), and ever more seldom where nothing changes.
 *
 * @param tenant The tenant; `undefined` where the caller sees none.
 */
export function useWorkspace(tenant: () => string | undefined, { then, lasting = false }: Options = {}) {
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
  /** The stream of changes: where from, and since when. */
  let stream: (Following & { path: string; since: number }) | undefined;
  /** Whether a stream is worth an attempt. */
  let streams = true;
  /** Counts what was told, so that nothing older is shown after it. */
  let told = 0;

  /** Shows a look, unless a change was told since `before`. Returns whether it differs from the last one. */
  function keep(fresh: Look, before = told): boolean {
    if (before !== told) return true;
    const changed = JSON.stringify(fresh.view) !== JSON.stringify(view.value);
    (loaded.data as Ref<unknown>).value = fresh;
    failure.value = undefined;
    return changed;
  }

  const patient = () => !over && !document.hidden && Date.now() - touched <= PATIENCE;

  /** Whether the stream of this tenant is to be open. */
  const follows = () => streams && patient() && !!look.value && (lasting || !look.value.view.ready);

  /** Goes on: by the stream, by another look in time, or not at all. */
  function plan() {
    clearTimeout(timer);
    if (stream && (!follows() || stream.path !== path())) leave();
    if (!patient() || !look.value) return;
    if (follows()) {
      stream ??= { path: path(), since: Date.now(), ...follow<WorkspaceView>(path(), "workspace", { changed, over: lost }) };
      timer = setTimeout(plan, touched + PATIENCE - Date.now() + 1);
    } else {
      const asked = look.value.again ?? (further > 0 ? SHORT : null);
      if (asked !== null) lookIn(Math.max(asked, pause));
    }
  }

  const lookIn = (seconds: number) => (timer = setTimeout(() => void lookAgain(), seconds * 1000));

  function leave() {
    stream?.end();
    stream = undefined;
  }

  async function changed(fresh: WorkspaceView) {
    told += 1;
    const [asked, mine] = [path(), told];
    await then?.(fresh);
    if (!over && asked === path()) keep({ view: fresh, again: null }, mine);
  }

  /** A look says what the matter is; one that is refused too is the last. */
  function lost(refused: boolean) {
    streams = refused && Date.now() - (stream?.since ?? 0) > SHORT * 1000;
    leave();
    void lookAgain();
  }

  async function lookAgain() {
    clearTimeout(timer);
    const [asked, before] = [path(), told];
    try {
      const fresh = await ask();
      if (over || asked !== path()) return;
      pause = keep(fresh, before) ? 0 : Math.min(LONGEST, Math.max(pause, SHORT) * 1.5);
      further = Math.max(0, further - 1);
      plan();
    } catch (error) {
      if (over || asked !== path()) return;
      failure.value = error;
      const { status, retryAfter = 0 } = toProblem(error);
      // What is refused now is refused again.
      if (status >= 400 && status < 500 && status !== 429) return;
      // Once it answers again, it may tell of changes too.
      streams = true;
      pause = Math.max(retryAfter, Math.min(LONGEST, Math.max(pause, SHORT) * 2));
      if (patient()) lookIn(pause);
    }
  }

  function seen() {
    touched = Date.now();
    pause = 0;
    streams = true;
    plan();
  }

  onMounted(() => {
    over = false;
    touched = Date.now();
    document.addEventListener("visibilitychange", seen);
    watch([look, path], plan, { immediate: true });
  });
  onBeforeUnmount(() => {
    over = true;
    clearTimeout(timer);
    leave();
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
      const before = told;
      keep(await ask(`/${what}`, { method: "POST", headers: { "Idempotency-Key": crypto.randomUUID() } }), before);
      touched = Date.now();
      further = LOOKS_AFTER_REQUEST;
      pause = 0;
      // Where the API cannot hold an answer open, the next connection is not waited for.
      if (stream?.waits()) leave();
      plan();
    },
  };
}
