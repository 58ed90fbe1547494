// Asks before every page who is signed in and what they have now: what was taken away is gone with the next click.
import type { RouteLocationNormalized } from "vue-router";

declare module "vue-router" {
  interface RouteMeta {
    /** For everybody: without it a page is for people who are signed in. */
    public?: boolean;
  }
}

export default defineNuxtRouteMiddleware(async (to: RouteLocationNormalized) => {
  // Who is told of an error is not sent away.
  if (useError().value) return;
  const me = useMe();
  // What the server has asked a moment ago came with the page.
  if (import.meta.client && useNuxtApp().isHydrating) return;
  try {
    await me.refresh();
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status !== 401) {
      return abortNavigation(createError({ statusCode: problem.status || 503, statusMessage: problem.title, data: problem, fatal: true }));
    }
    me.profile.value = null;
    if (!to.meta.public) return navigateTo(useSite().signInUrl(to.fullPath), { external: true });
  }
});
