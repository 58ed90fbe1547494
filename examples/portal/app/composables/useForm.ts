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

  /** Runs what sends the form. Returns its answer, or nothing if it did not go well; `problem` then says why. */
  async function answerOf<Answer>(send: () => Promise<Answer>): Promise<Answer | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    problem.value = null;
    try {
      return await send();
    } catch (error) {
      problem.value = toProblem(error);
      return undefined;
    } finally {
      busy.value = false;
    }
  }

  /** Runs what sends the form. Returns `true` if it went well; if not, `problem` says why. */
  const submit = async (send: () => Promise<unknown>) => (await answerOf(async () => (await send(), true))) ?? false;

  return { draft, changed, dirty: computed(() => changed.value.length > 0), problem, busy, reset, submit, answerOf };
}

export type Form = Pick<ReturnType<typeof useForm>, "problem" | "busy">;
