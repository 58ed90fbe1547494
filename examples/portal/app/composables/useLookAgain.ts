/** The least and the greatest wait for another look, in seconds. */
const SHORTEST = 2;
const LONGEST = 30;
/** How long a page that nobody touches goes on looking, in milliseconds: less than a session lasts without use. */
const PATIENCE = 30 * 60 * 1_000;

/**
 * Looks again at what changes by itself, while the page can be seen, ever more seldom.
 *
 * @param look Looks.
 * @param next The time of the next change, in milliseconds, if one is to come.
 */
export function useLookAgain(look: () => Promise<unknown>, next: () => number | null) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = SHORTEST;
  let touched = 0;
  let over = true;

  function plan() {
    clearTimeout(timer);
    const [now, time] = [Date.now(), next()];
    if (over || document.hidden || time === null || Math.max(now, time) > touched + PATIENCE) return;
    timer = setTimeout(() => void lookNow(), Math.max(time - now, pause * 1000));
  }

  async function lookNow() {
    pause = Math.min(LONGEST, pause * 1.5);
    await look();
    plan();
  }

  /** Begins anew: the person has done something. */
  function touch() {
    touched = Date.now();
    pause = SHORTEST;
    plan();
  }

  onMounted(() => {
    over = false;
    document.addEventListener("visibilitychange", touch);
    watch(next, plan);
    touch();
  });
  onBeforeUnmount(() => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", touch);
  });

  return { touch };
}
