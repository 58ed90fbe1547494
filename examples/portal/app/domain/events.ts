import { RECORDED } from "#build/dezky-api.mjs";
import type { EventDeliveryView, EventEndpointView } from "@dezky/sdk";
import { orNull } from "./changes";

/** The actions that are recorded, of a tenant or of the whole platform: what the audit trail shows, and the types of events. */
export function recordedFor(ofPlatform: boolean): string[] {
  return ofPlatform ? RECORDED : RECORDED.filter((action) => !/^user\.|_platform$/.test(action));
}

/** An endpoint as a form has it. */
export interface EndpointDraft extends Record<string, unknown> {
  url: string;
  description: string;
  /** It gets all types of events, those that come later too. */
  everything: boolean;
  types: string[];
  active: boolean;
  personalValues: boolean;
}

/** The fields of an endpoint, or of a new one. */
export function draftOf(endpoint?: EventEndpointView): EndpointDraft {
  const { url = "", description, types = [], active = true, personalValues = false } = endpoint ?? {};
  return { url, description: description ?? "", everything: !types.length, types: [...types], active, personalValues };
}

/** The fields as the API takes them; personal values only from who may ask for them. */
export function fieldsOf({ url, description, everything, types, active, personalValues }: EndpointDraft, values: boolean) {
  return { url: url.trim(), description: orNull(description.trim()), types: everything ? [] : types, active, ...(values && { personalValues }) };
}

/** Returns `true` if there is what an endpoint needs: without a type, it would get all. */
export function isComplete({ url, everything, types }: EndpointDraft): boolean {
  return url.trim() !== "" && (everything || types.length > 0);
}

/** How deliveries to an endpoint go. */
export interface Health {
  /** The last delivery that has failed and is still tried. */
  failing?: EventDeliveryView;
  /** There are deliveries that are not tried any more. */
  dead: boolean;
}

/** The state of an endpoint. */
export function stateOf({ active, resumesAt }: EventEndpointView, health?: Health): "enabled" | "failing" | "disabled" {
  if (!active) return "disabled";
  return resumesAt || health?.failing ? "failing" : "enabled";
}

/** The time of the next attempt of a delivery, if there is to be one. Behind one that has failed, it waits for the endpoint. */
export function nextAttempt({ status, attempts, dueAt }: EventDeliveryView, endpoint?: EventEndpointView): string | undefined {
  if (status === "retrying" || (status === "waiting" && attempts > 0)) return dueAt;
  return status === "waiting" ? (endpoint?.resumesAt ?? dueAt) : undefined;
}
