/** What a person has chosen, for all hosts of the portal: browsers keep and send them for sites with TLS alone. */
export const LANGUAGE_COOKIE = "__Secure-dezky-language";
export const THEME_COOKIE = "__Secure-dezky-theme";

/** Tenants whose first steps a person has put away: for the application's host alone. */
export const DISMISSED_COOKIE = "__Host-dezky-dismissed";

/** The domain of cookies that all hosts of the portal share: of `dezky.example.eu:3000` it is `dezky.example.eu`. */
export function cookieDomain(domain: string): string {
  return domain.replace(/:\d+$/, "");
}
