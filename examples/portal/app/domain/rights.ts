import { ACTIONS, FIELDS, LASTING } from "#build/dezky-api.mjs";
import type { MembershipRole, MembershipView, TenantView, UserView } from "@dezky/sdk";

type Person = Pick<UserView, "platformAdmin" | "platformAdminSource"> | null | undefined;

/** What a person is to the platform, as the policy calls it. */
function standingOf(user: Person): "platform admin" | "platform admin by claim" | null {
  if (!user?.platformAdmin) return null;
  return user.platformAdminSource === "claim" ? "platform admin by claim" : "platform admin";
}

/** What a person may do in a tenant: the API's own policy over what it says of them now. The API decides; this offers what it allows. */
export interface Rights {
  platform: boolean;
  role: MembershipRole | null;
  /** The tenant is suspended and the caller not of the platform: what its people may otherwise change is as it is. */
  frozen: boolean;
  /**
   * Whether an action of the policy is allowed, such as `tenant.update`.
   *
   * @param field Whether it may set this field.
   */
  may: (action: string, field?: string) => boolean;
  manageOwners: boolean;
  /** Whether there is anything to administer at all. */
  administer: boolean;
}

export function rightsIn(tenant: Pick<TenantView, "role" | "status">, user: Person): Rights {
  const standing = standingOf(user);
  const platform = standing !== null;
  const role = tenant.role ?? null;
  const caller = standing ?? role ?? "anybody else";
  const frozen = tenant.status === "suspended" && !platform;
  const may = (action: string, field?: string) => {
    const rule = ACTIONS[action];
    if (!rule?.allowed.includes(caller)) return false;
    if ((frozen && !rule.suspended) || (tenant.status === "deleted" && !rule.deleted)) return false;
    return field === undefined || (FIELDS[`${action} ${field}`]?.includes(caller) ?? true);
  };
  // Whom the policy lets change a tenant that is in order.
  const administer = ACTIONS["tenant.update"]?.allowed.includes(caller) ?? false;
  return { platform, role, frozen, may, manageOwners: platform || role === "owner", administer };
}

/** Whether a person may do what concerns no tenant: create tenants, change people. */
export function mayOnPlatform(action: string, user: Person): boolean {
  return ACTIONS[action]?.allowed.includes(standingOf(user) ?? "anybody else") ?? false;
}

/**
 * Whether a person may do something to a user.
 *
 * @param change The action, and the field that it sets: `user.update status`.
 * @param lasting Whether that user administers the platform, or is to, whatever their tokens say.
 */
export function mayToUser(change: string, user: Person, lasting: boolean): boolean {
  if (!mayOnPlatform(change.split(" ")[0] ?? "", user)) return false;
  return !lasting || (LASTING[change]?.includes(standingOf(user) ?? "anybody else") ?? true);
}

/** Whether somebody administers the platform whatever their tokens say. */
export function isLastingAdmin(user: Person): boolean {
  return standingOf(user) === "platform admin";
}

/** The roles that a caller may give to a member, or none when they may not change this one. */
export function rolesFor(rights: Rights, member: Pick<MembershipView, "role">): MembershipRole[] {
  if (!rights.may("membership.update") || (member.role === "owner" && !rights.manageOwners)) return [];
  return rights.manageOwners ? ["member", "admin", "owner"] : ["member", "admin"];
}

/** Whether the caller may take this member out of the tenant. `lastOwner` says that nobody else owns it. */
export function mayRevoke(rights: Rights, member: Pick<MembershipView, "role">, lastOwner: boolean): boolean {
  if (!rights.may("membership.revoke")) return false;
  if (member.role !== "owner") return true;
  return rights.platform || (rights.manageOwners && !lastOwner);
}
