import { DISMISSED_COOKIE } from "~/domain/cookies";

/** The most tenants that are remembered: a cookie has little room. */
const MOST = 40;

/** Tenants whose list of first steps a person has put away, in this browser. */
export function useDismissals() {
  const cookie = useCookie<string | null>(DISMISSED_COOKIE, { maxAge: 365 * 24 * 60 * 60, sameSite: "lax", secure: true, path: "/", encode: String, decode: String });
  const ids = computed(() => cookie.value?.split(".").filter((id) => /^[0-9a-f]{24}$/.test(id)) ?? []);
  const keep = (list: string[]) => {
    cookie.value = list.slice(-MOST).join(".") || null;
  };
  return {
    isDismissed: (tenant: string) => ids.value.includes(tenant),
    dismiss: (tenant: string) => keep([...ids.value.filter((id) => id !== tenant), tenant]),
    restore: (tenant: string) => keep(ids.value.filter((id) => id !== tenant)),
  };
}
