import type { Condition, DomainRecordsView, Phase, PublishedRecord, SystemKind, SystemStateView, WorkspaceLink, WorkspaceView } from "@dezky/sdk";
import { Fingerprint } from "@lucide/vue";
import type { Component } from "vue";
import { applicationIcon } from "./applications";

/** The icon of a system behind a tenant. */
export function systemIcon(system: SystemKind): Component {
  return system === "identity" ? Fingerprint : applicationIcon(system);
}

/** Whether people can go to a system now. */
export function isOpen({ phase }: Pick<WorkspaceLink, "phase">): boolean {
  return phase === "ready" || phase === "degraded";
}

/** What does not hold of a system, a person or a mailbox in it: what it waits for, or what is to be done. */
export function unmet({ conditions }: Pick<SystemStateView, "conditions">): Condition[] {
  return conditions.filter(({ status }) => status !== "true");
}

/** The last failure, where no condition tells of it. */
export function untold(state: SystemStateView): string | null {
  return state.lastError && !unmet(state).some(({ message }) => message === state.lastError) ? state.lastError : null;
}

/** Phases in which nothing is left to try. */
const RESTING: Phase[] = ["ready", "suspended", "removed"];

/** Whether there is something to try again: a system, a person or a mailbox that is on its way or has failed. */
export function isRetriable({ systems, parts }: WorkspaceView): boolean {
  return [...systems, ...parts].some(({ phase }) => !RESTING.includes(phase));
}

/** Records without which mail is not delivered or not trusted, and that public DNS does not have. */
export function missingRecords({ records }: Pick<DomainRecordsView, "records">): PublishedRecord[] {
  return records.filter(({ required, seen }) => required && seen !== true);
}

/** Whether public DNS has all that a domain needs. */
export function isPublished(domain: Pick<DomainRecordsView, "records">): boolean {
  return domain.records.length > 0 && missingRecords(domain).length === 0;
}
