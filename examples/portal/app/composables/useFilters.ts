/** What nobody types, and an address may nevertheless say. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/**
 * Search and filters of a list, kept in the address, so that it can be shared and the way back works. Texts reach `query` when the
 * person pauses, choices at once.
 */
export function useFilters<F extends Record<string, string>>(defaults: F, typed: (keyof F)[] = ["search"]) {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;
  const given = (field: string) => {
    const value = route.query[field];
    return typeof value === "string" ? value.replace(CONTROL, "") : undefined;
  };
  const filters = reactive(Object.fromEntries(Object.entries(defaults).map(([field, value]) => [field, given(field) ?? value]))) as F;
  const query = shallowRef<F>({ ...filters });

  let timer: ReturnType<typeof setTimeout> | undefined;
  function apply() {
    clearTimeout(timer);
    query.value = { ...filters };
    if (route.path !== path) return;
    const set = Object.fromEntries(Object.entries<string>(filters).filter(([field, value]) => value !== defaults[field]));
    void router.replace({ query: set });
  }
  watch(filters, (next) => {
    clearTimeout(timer);
    const wait = typed.some((field) => next[field] !== query.value[field]);
    timer = setTimeout(apply, wait ? 220 : 0);
  });
  onScopeDispose(() => clearTimeout(timer));

  /** What the API is asked, without what is not set. */
  const asked = computed(() => Object.fromEntries(Object.entries<string>(query.value).map(([field, value]) => [field, value.trim() || undefined])));
  const filtered = computed(() => Object.values(asked.value).some((value) => value !== undefined));
  function clear() {
    Object.assign(filters, defaults);
  }
  return { filters, asked, filtered, clear };
}
