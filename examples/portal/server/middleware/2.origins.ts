// Requests that change something come from pages of the application itself, whatever cookies a browser sends with them.
import { sendProblem } from "../http/problem";
import { siteAt, siteOf } from "../http/site";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

export default defineEventHandler((event) => {
  const path = event.path.replace(/\?.*$/s, "");
  if (path === "/healthz") return;
  const origin = getRequestHeader(event, "origin");
  const fetchSite = getRequestHeader(event, "sec-fetch-site");
  if (SAFE.has(event.method)) {
    // Data are for own pages; other sites may link to pages, and to nothing else.
    if (path.startsWith("/api/") && fetchSite === "cross-site") return refuse();
    return;
  }
  // The identity provider proves itself by a logout token, and no session counts there.
  if (path === "/api/oidc/backchannel-logout") return;
  // The payment provider proves itself by a signature.
  if (path === "/api/billing/stripe/webhook") return;
  // Launchers have a button for it; what it does harms nobody.
  if (path === "/auth/sign-out") {
    if (!origin || !URL.canParse(origin) || !siteAt(new URL(origin).host) || fetchSite === "cross-site") return refuse();
    return;
  }
  const { kind, applicationUrl } = siteOf(event);
  const ownPage = origin === applicationUrl && (fetchSite === undefined || fetchSite === "same-origin");
  if (kind !== "application" || !ownPage) return refuse();

  function refuse() {
    return sendProblem(event, 403, "foreign_origin", "requests of other sites are refused: use the pages of the application");
  }
});
