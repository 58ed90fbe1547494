import { POLICY, ROLES } from "#build/dezky-api.mjs";
import type { MembershipRole, MembershipView, TenantView, UserView } from "@dezky/sdk";

type Person = Pick<UserView, "platformAdmin" | "platformAdminSource"> | null | undefined;

/** What else holds of what is to be done, where the policy may have a list of its own for it. */
interface Case {
  /** The field that is set. */
  field?: string;
  suspended?: boolean;
  deleted?: boolean;
  /** It is about somebody who administers the platform whatever their tokens say, or is to. */
  lastingAdmin?: boolean;
  /** It is about an owner's membership, or one that is to be. */
  owner?: boolean;
  /** It takes away the only owner's. */
  lastOwner?: boolean;
}

/** What a person is to the policy: the first of its callers whose facts all hold. */
function callerOf(user: Person, role?: MembershipRole | null) {
  const facts: Record<string, unknown> = { ...user, role };
  const caller = POLICY.callers.find(({ is }) => is && Object.entries(is).every(([name, value]) => facts[name] === value));
  if (!caller) throw new Error("the policy knows no caller who is nothing in particular");
  return caller;
}

/** Whether the policy allows an action: every list that applies names the caller. */
function isAllowed(action: string, { name }: { name: string }, { field = "", suspended, deleted, lastingAdmin, owner, lastOwner }: Case = {}): boolean {
  const rule = POLICY.actions[action];
  const lists = [
    rule?.allowed ?? [],
    suspended && rule?.suspended,
    deleted && rule?.deleted,
    rule?.fields?.[field],
    lastingAdmin && rule?.lastingAdmin,
    lastingAdmin && rule?.lastingAdminFields?.[field],
    owner && POLICY.memberships.owner,
    lastOwner && POLICY.memberships.lastOwner,
  ];
  return lists.every((callers) => !callers || callers.includes(name));
}

/** What a person may do in a tenant: the API's own policy over what it says of them now. The API decides; this offers what it allows. */
export interface Rights {
  platform: boolean;
  role: MembershipRole | null;
  /** The tenant is suspended and so as it is for the caller. */
  frozen: boolean;
  /**
   * Whether an action of the policy is allowed, such as `tenant.update`.
   *
   * @param about The field that it sets, or what else holds of it.
   */
  may: (action: string, about?: string | Case) => boolean;
  /** Whether an action of the policy is allowed on what is the person's own in the tenant, such as their mailbox. */
  mayOwn: (action: string) => boolean;
  /** Whether there is anything to administer at all. */
  administer: boolean;
}

export function rightsIn(tenant: Pick<TenantView, "role" | "status">, user: Person): Rights {
  const role = tenant.role ?? null;
  const caller = callerOf(user, role);
  const state = { suspended: tenant.status === "suspended", deleted: tenant.status === "deleted" };
  return {
    platform: user?.platformAdmin ?? false,
    role,
    frozen: state.suspended && !(POLICY.actions["tenant.update"]?.suspended ?? [caller.name]).includes(caller.name),
    may: (action, about) => isAllowed(action, caller, { ...state, ...(typeof about === "string" ? { field: about } : about) }),
    mayOwn: (action) => role !== null && isAllowed(action, { name: "oneself" }, state),
    // Whom the policy lets change a tenant that is in order.
    administer: isAllowed("tenant.update", caller),
  };
}

/** Whether a person may do what concerns no tenant: create tenants, change people. */
export function mayOnPlatform(action: string, user: Person): boolean {
  return isAllowed(action, callerOf(user));
}

/**
 * Whether a person may do something to a user.
 *
 * @param change The action, and the field that it sets: `user.update status`.
 * @param lastingAdmin Whether that user administers the platform, or is to, whatever their tokens say.
 */
export function mayToUser(change: string, user: Person, lastingAdmin: boolean): boolean {
  const [action = "", field] = change.split(" ");
  return isAllowed(action, callerOf(user), { field, lastingAdmin });
}

/** Whether somebody administers the platform whatever their tokens say. */
export function isLastingAdmin(user: Person): boolean {
  return callerOf(user).lastingAdmin ?? false;
}

/** The roles that a caller may give to a member, or none where there is no other. `lastOwner` says that nobody else owns the tenant. */
export function rolesFor(rights: Rights, { role }: Pick<MembershipView, "role">, lastOwner: boolean): MembershipRole[] {
  const roles = ROLES.filter((to) => rights.may("membership.update", { owner: [role, to].includes("owner"), lastOwner: lastOwner && to !== "owner" }));
  return roles.some((to) => to !== role) ? roles : [];
}

/** Whether the caller may take this member out of the tenant. `lastOwner` says that nobody else owns it. */
export function mayRevoke(rights: Rights, { role }: Pick<MembershipView, "role">, lastOwner: boolean): boolean {
  return rights.may("membership.revoke", { owner: role === "owner", lastOwner });
}
