// Where the person is: at the application, or at the launcher of a tenant.
import type { Site } from "../../server/http/site";

/** The site of this page, and addresses that depend on it. */
export function useSite() {
  const site = useState<Site>("site", () => {
    const event = useRequestEvent();
    if (!event?.context.site) throw createError({ statusCode: 421, statusMessage: "Misdirected Request" });
    return event.context.site;
  }).value;
  const { protocol } = new URL(site.applicationUrl);

  /** Where the launcher of a tenant is. */
  const launcherUrl = (slug: string) => `${protocol}//${slug}.${site.domain}`;
  const origin = site.slug ? launcherUrl(site.slug) : site.applicationUrl;

  /**
   * Where signing in begins.
   *
   * @param returnTo A path of this site, or a URL of the portal, to which it leads back.
   */
  const signInUrl = (returnTo = "/") => `${site.applicationUrl}/auth/sign-in?return=${encodeURIComponent(new URL(returnTo, origin).href)}`;

  return { ...site, launcherUrl, signInUrl, signOutUrl: `${site.applicationUrl}/auth/sign-out` };
}
