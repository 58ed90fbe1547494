/** What one list has dialogs for. */
const DIALOGS = { creating: false, editing: false, rotating: false, removing: false };

/**
 * A list of documents that have a secret each: which one a dialog is about, and the one that was just created or rotated, whose secret is
 * stored nowhere else. It stands on the page and in no dialog, so that no stray click takes it away.
 */
export function useSecretList<T extends { id: string }>(path: string, query: Parameters<typeof usePagedList<T>>[1], options: Parameters<typeof usePagedList<T>>[2]) {
  const api = useApi();
  const list = usePagedList<T>(() => path, query, options);
  const open = reactive({ ...DIALOGS });
  const asked = shallowRef<T>();
  const shown = shallowRef<T>();

  function ask(one: T, dialog: keyof typeof DIALOGS) {
    asked.value = one;
    open[dialog] = true;
  }

  async function showSecret(one: T) {
    shown.value = one;
    await list.refresh();
  }

  /** Removes the document that was asked about. Returns it. */
  async function remove(): Promise<T | undefined> {
    const one = asked.value;
    if (!one) return undefined;
    await api(`${path}/${one.id}`, { method: "DELETE" });
    if (shown.value?.id === one.id) shown.value = undefined;
    await list.refresh();
    return one;
  }

  return { list, open, asked, ask, shown, showSecret, remove };
}
