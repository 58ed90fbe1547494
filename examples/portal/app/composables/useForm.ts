import type { InjectionKey, Ref } from "vue";
import { copy, same } from "~/domain/changes";

/** What fields and notices of a form need of it. */
export interface FormState {
  /** The API's name of what is sent. */
  sent: () => string | undefined;
  problem: Readonly<Ref<Problem | null>>;
  busy: Readonly<Ref<boolean>>;
  /** Paths of the fields that stand in the form and show their own problems. */
  shown: Set<string>;
}

export const FORM: InjectionKey<FormState> = Symbol("form");

/**
 * A form over some fields of a document. `source` gives the fields as they are stored; when it changes (after saving, or when somebody
 * else has changed them), fields that the person has touched keep what they wrote and the others follow.
 */
export function useForm<F extends Record<string, unknown>>(source: () => F) {
  const stored = shallowRef(copy(source())) as Ref<F>;
  const draft = reactive(copy(source())) as F;
  const problem = shallowRef<Problem | null>(null);
  const busy = ref(false);
  const changed = computed(() => Object.keys(stored.value).filter((field) => !same(draft[field], stored.value[field])) as (keyof F)[]);

  watch(source, (next) => {
    const touched = changed.value;
    stored.value = copy(next);
    for (const field of Object.keys(next) as (keyof F)[]) {
      if (!touched.includes(field)) draft[field] = copy(next[field]);
    }
  });

  function reset() {
    Object.assign(draft, copy(stored.value));
    problem.value = null;
  }

  /** Runs what sends the form. Returns whether it went well; if not, `problem` says why. */
  async function submit(send: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      await send();
      return true;
    } catch (error) {
      problem.value = toProblem(error);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { draft, changed, dirty: computed(() => changed.value.length > 0), problem, busy, reset, submit };
}

export type Form = Pick<ReturnType<typeof useForm>, "problem" | "busy">;
