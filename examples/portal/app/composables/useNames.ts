import type { MailboxView, MembershipView, Page, TenantView, UserView } from "@dezky/sdk";
import { personName } from "~/domain/names";

type TenantName = Pick<TenantView, "id" | "name" | "slug" | "plan">;

/** Names of what lists mention by id alone, each looked up once. What this person may not see stays without. */
export function useNames() {
  const api = useApi();
  const { user } = useMe();
  const tenants = useState<Record<string, TenantName | null>>("names of tenants", () => ({}));
  const people = useState<Record<string, string>>("names of people", () => ({}));
  const members = useState<Record<string, string>>("names of members", () => ({}));

  const mailboxes = useState<Record<string, string>>("addresses of mailboxes", () => ({}));

  async function lookUpTenants(ids: Iterable<string>) {
    const missing = [...new Set(ids)].filter((id) => !(id in tenants.value));
    const found = await Promise.all(missing.map(async (id) => [id, await api<TenantView>(`/tenants/${id}`).then(short, nothing)] as const));
    if (found.length) tenants.value = { ...tenants.value, ...Object.fromEntries(found) };
  }

  /** People by id: any for the platform, members of `tenant` for its own people. */
  async function lookUpPeople(ids: Iterable<string>, tenant?: string) {
    const missing = [...new Set(ids)].filter((id) => !(id in people.value));
    const path = (id: string) => (user.value?.platformAdmin ? `/users/${id}` : `/tenants/${tenant}/members/${id}`);
    const found = await Promise.all(missing.map(async (id) => [id, await api<UserView | MembershipView>(path(id)).then(personName, () => "")] as const));
    if (found.length) people.value = { ...people.value, ...Object.fromEntries(found) };
  }

  /** Members of a tenant by the id of their membership, as far as one answer holds them. */
  async function lookUpMembers(tenant: string) {
    const page = await api<Page<MembershipView>>(`/tenants/${tenant}/members`, { query: { limit: 200 } }).catch(() => null);
    if (page) members.value = { ...members.value, ...Object.fromEntries(page.items.map((one) => [one.id, personName(one)])) };
  }

  /** Addresses of a tenant's mailboxes by id. */
  async function lookUpMailboxes(ids: Iterable<string>, tenant: string) {
    const missing = [...new Set(ids)].filter((id) => !(id in mailboxes.value));
    const found = await Promise.all(missing.map(async (id) => [id, await api<MailboxView>(`/tenants/${tenant}/mailboxes/${id}`).then(({ address }) => address, () => "")] as const));
    if (found.length) mailboxes.value = { ...mailboxes.value, ...Object.fromEntries(found) };
  }

  return { tenants, people, members, mailboxes, lookUpMailboxes, lookUpTenants, lookUpPeople, lookUpMembers };
}

const short = ({ id, name, slug, plan }: TenantView): TenantName => ({ id, name, slug, plan });
const nothing = () => null;
