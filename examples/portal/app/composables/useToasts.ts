export interface Toast {
  id: number;
  text: string;
  tone: "positive" | "negative";
  action?: { label: string; run: () => void };
}

/** Short notes that something was done, for eyes and for screen readers. */
export function useToasts() {
  const toasts = useState<Toast[]>("toasts", () => []);
  const dismiss = (id: number) => {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  };
  const show = (text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}) => {
    const id = (toasts.value.at(-1)?.id ?? 0) + 1;
    toasts.value = [...toasts.value.slice(-2), { id, text, tone: "positive", ...options }];
    // What can be undone stays long enough to be read and reached.
    setTimeout(() => dismiss(id), options.action ? 12_000 : 5_000);
  };
  return { toasts, show, dismiss };
}
