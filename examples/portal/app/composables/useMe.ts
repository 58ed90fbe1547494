import type { ProfileView } from "@dezky/sdk";

/** Who is signed in and what they have, asked anew before every page; `null` where nobody is. */
export function useMe() {
  const profile = useState<ProfileView | null>("me", () => null);
  const api = useApi();

  return {
    profile,
    user: computed(() => profile.value?.user ?? null),
    /** The first 100, by name; `/users/me/tenants` has all. */
    tenants: computed(() => profile.value?.tenants ?? []),
    subscriptions: computed(() => profile.value?.subscriptions ?? []),
    /** Where `/users/me/tenants` goes on after these tenants. */
    nextCursor: computed(() => profile.value?.nextCursor ?? null),
    /** Asks again. */
    async refresh() {
      profile.value = await api<ProfileView>("/me");
    },
  };
}
