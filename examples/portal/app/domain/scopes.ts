import { POLICY } from "#build/dezky-api.mjs";

/** Names of one kind of resource: scopes, or types of events. */
export interface NameGroup {
  /** The kind of resource, with which their names begin: `mailbox`. */
  resource: string;
  names: string[];
}

/** Returns `true` if a scope only reads, by its name. Such scopes come first. */
const reads = (name: string) => /\.(?:read|list)/.test(name);

/** Names by kind of resource, in their order. */
export function grouped(names: string[]): NameGroup[] {
  const groups = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const [resource = name] = name.split(".");
    groups.set(resource, [...(groups.get(resource) ?? []), name]);
  }
  return [...groups].map(([resource, all]) => ({ resource, names: [...all.filter(reads), ...all.filter((one) => !reads(one))] }));
}

/** The actions of the policy that can be scopes of an API key, of the platform or of a tenant. */
export function scopesFor(ofPlatform: boolean): string[] {
  const whose = ofPlatform ? ["platform", "tenant"] : ["tenant"];
  return Object.entries(POLICY.actions).filter(([, { apiKeys }]) => apiKeys && whose.includes(apiKeys)).map(([name]) => name);
}
