import { POLICY } from "#build/dezky-api.mjs";

/** Scopes of one kind of resource. */
export interface ScopeGroup {
  /** The kind of resource, with which their names begin: `mailbox`. */
  resource: string;
  scopes: string[];
}

/** Returns `true` if a scope only reads, by its name. Such scopes come first. */
const reads = (scope: string) => /\.(?:read|list)/.test(scope);

/** Scopes by kind of resource, in the order of their names. */
export function grouped(scopes: string[]): ScopeGroup[] {
  const groups = new Map<string, string[]>();
  for (const scope of [...scopes].sort()) {
    const [resource = scope] = scope.split(".");
    groups.set(resource, [...(groups.get(resource) ?? []), scope]);
  }
  return [...groups].map(([resource, all]) => ({ resource, scopes: [...all.filter(reads), ...all.filter((one) => !reads(one))] }));
}

/** The actions of the policy that can be scopes of an API key, of the platform or of a tenant. */
export function scopesFor(ofPlatform: boolean): string[] {
  const whose = ofPlatform ? ["platform", "tenant"] : ["tenant"];
  return Object.entries(POLICY.actions).filter(([, { apiKeys }]) => apiKeys && whose.includes(apiKeys)).map(([name]) => name);
}
