// Only hosts of the portal are answered, and sign-in happens at one of them.
import { siteAt, type Site } from "../http/site";

declare module "h3" {
  interface H3EventContext {
    /** The site that was asked; pages read it. */
    site?: Site;
  }
}

export default defineEventHandler((event) => {
  if (event.path === "/healthz") return;
  const site = siteAt(getRequestHeader(event, "host") ?? "");
  if (!site) return refuse(421, "This host does not belong to the portal.");
  if (event.path.startsWith("/auth/") && site.kind !== "application") return refuse(404, "Sign in on the application's host.");
  event.context.site = site;

  function refuse(status: number, text: string) {
    setResponseStatus(event, status);
    return send(event, text, "text/plain; charset=utf-8");
  }
});
