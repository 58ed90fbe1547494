import type { Ref } from "vue";
import type { Page } from "@dezky/sdk";

type Query = Record<string, string | number | undefined>;

/**
 * A list of the API, page by page. What is shown stays until the next answer is there, so that a search does not make the page jump.
 * `path` and `query` may depend on reactive values: the list then begins anew.
 */
export function usePagedList<T extends { id: string }>(
  path: () => string,
  query: () => Query = () => ({}),
  { limit = 25, then }: { limit?: number; /** Looks up what the items are to be shown with, before they are. */ then?: (items: T[]) => Promise<void> } = {},
) {
  const api = useApi();
  const key = () => `list ${path()} ${limit} ${JSON.stringify(query())}`;
  async function fetchPage(cursor?: string) {
    const page = await api<Page<T>>(path(), { query: { ...query(), limit, cursor } });
    await then?.(page.items);
    return page;
  }
  const first = useAsyncData(key, () => fetchPage(), { lazy: true });
  const firstPage = computed(() => first.data.value as Page<T> | undefined);

  const before = shallowRef<T[]>();
  const further = shallowRef<Page<T>[]>([]);
  const moreError = shallowRef<unknown>();
  const loadingMore = ref(false);
  watch(key, () => {
    further.value = [];
  });
  watch(firstPage, (page) => {
    if (page) before.value = page.items;
  });

  const items = computed(() => (firstPage.value ? [firstPage.value, ...further.value].flatMap((page) => page.items) : before.value));
  const nextCursor = computed(() => (further.value.at(-1) ?? firstPage.value)?.nextCursor ?? null);

  async function more() {
    const [cursor, began] = [nextCursor.value, key()];
    if (!cursor || loadingMore.value) return;
    loadingMore.value = true;
    moreError.value = undefined;
    try {
      const page = await fetchPage(cursor);
      if (key() === began) further.value = [...further.value, page];
    } catch (error) {
      moreError.value = error;
    } finally {
      loadingMore.value = false;
    }
  }

  /** Puts a changed item in the place of the one with its id. */
  function replace(item: T) {
    const put = (page: Page<T>): Page<T> => ({ ...page, items: page.items.map((other) => (other.id === item.id ? item : other)) });
    further.value = further.value.map(put);
    if (firstPage.value) (first.data as Ref<unknown>).value = put(firstPage.value);
  }

  return {
    items,
    /** Nothing has been answered yet: time for a skeleton. */
    starting: computed(() => items.value === undefined && !first.error.value),
    /** An answer is under way while older items are shown. */
    pending: computed(() => first.status.value === "pending"),
    error: computed(() => first.error.value),
    refresh: () => {
      further.value = [];
      return first.refresh();
    },
    hasMore: computed(() => nextCursor.value !== null),
    more,
    moreError,
    loadingMore,
    replace,
  };
}
