import { cookieDomain, THEME_COOKIE } from "~/domain/cookies";

export type Theme = "system" | "light" | "dark";

/** The person's choice of light or dark, in a cookie that all hosts of the portal share: the server writes it into the page. */
export function useTheme() {
  const site = useSite();
  const cookie = useCookie<string | null>(THEME_COOKIE, {
    domain: cookieDomain(site.domain),
    maxAge: 365 * 24 * 60 * 60,
    sameSite: "lax",
    secure: true,
    path: "/",
  });
  const theme = computed<Theme>({
    get: () => (cookie.value === "light" || cookie.value === "dark" ? cookie.value : "system"),
    set: (choice) => {
      cookie.value = choice === "system" ? null : choice;
    },
  });
  return { theme };
}
