import type { MembershipRole, MembershipView, TenantView, UserView } from "@dezky/sdk";

/**
 * What a person may do in a tenant, by the policy of `docs/authorization.md` and what the API says of them now. The API decides; this
 * is for offering nothing that it would refuse.
 */
export interface Rights {
  platform: boolean;
  role: MembershipRole | null;
  /** The tenant is suspended and the caller not of the platform: nothing can be changed but that people are removed. */
  frozen: boolean;
  changeTenant: boolean;
  seeBilling: boolean;
  changeBilling: boolean;
  changePlatformFields: boolean;
  grantMembers: boolean;
  changeMembers: boolean;
  revokeMembers: boolean;
  manageOwners: boolean;
  readAudit: boolean;
  changeSubscriptions: boolean;
  /** Whether there is anything to administer at all. */
  administer: boolean;
}

export function rightsIn(tenant: Pick<TenantView, "role" | "status">, user: Pick<UserView, "platformAdmin"> | null | undefined): Rights {
  const platform = user?.platformAdmin ?? false;
  const role = tenant.role ?? null;
  const owner = platform || role === "owner";
  const admin = owner || role === "admin";
  const frozen = tenant.status === "suspended" && !platform;
  const gone = tenant.status === "deleted";
  return {
    platform,
    role,
    frozen,
    changeTenant: admin && !frozen && !gone,
    seeBilling: admin,
    changeBilling: owner && !frozen && !gone,
    changePlatformFields: platform && !gone,
    grantMembers: admin && !frozen && !gone,
    changeMembers: admin && !frozen && !gone,
    revokeMembers: admin && !gone,
    manageOwners: owner,
    readAudit: admin,
    changeSubscriptions: platform && !gone,
    administer: admin,
  };
}

/** The roles that a caller may give to a member, or none when they may not change this one. */
export function rolesFor(rights: Rights, member: Pick<MembershipView, "role">): MembershipRole[] {
  if (!rights.changeMembers || (member.role === "owner" && !rights.manageOwners)) return [];
  return rights.manageOwners ? ["member", "admin", "owner"] : ["member", "admin"];
}

/** Whether the caller may take this member out of the tenant. `lastOwner` says that nobody else owns it. */
export function mayRevoke(rights: Rights, member: Pick<MembershipView, "role">, lastOwner: boolean): boolean {
  if (!rights.revokeMembers) return false;
  if (member.role !== "owner") return true;
  return rights.platform || (rights.manageOwners && !lastOwner);
}
