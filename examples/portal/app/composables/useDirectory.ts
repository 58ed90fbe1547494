/**
 * Whether people and groups can be pushed into a directory: the platform's, or that of a tenant with an identity provider of its own.
 *
 * @param name The issuer, or the tenant.
 */
export function useDirectory(name: string) {
  const api = useApi();
  return useAsyncData(
    `directory ${name}`,
    async () => {
      try {
        await api(`/scim/v2/${encodeURIComponent(name)}/Users`, { query: { count: 0 } });
        return true;
      } catch (error) {
        if (toProblem(error).status === 404) return false;
        throw error;
      }
    },
    { lazy: true },
  );
}
