import type { EventDeliveryView, EventEndpointView, Page } from "@dezky/sdk";
import type { Health } from "~/domain/events";

/** As many as one answer holds: the one that has failed is the oldest of those in line. */
const LINE = 200;

/** How deliveries to endpoints go, by the ids of the endpoints. */
export function useEndpointHealth() {
  const api = useApi();
  const health = useState<Record<string, Health>>("health of endpoints", () => ({}));

  async function lookUp(endpoints: EventEndpointView[]) {
    const found = await Promise.all(endpoints.map(async ({ id, active, resumesAt }) => {
      const those = async (status: EventDeliveryView["status"], limit = 1) =>
        (await api<Page<EventDeliveryView>>(`/event-endpoints/${id}/deliveries`, { query: { status, limit } }).catch(() => null))?.items ?? [];
      const [line, retried, dead] = await Promise.all([active && resumesAt ? those("waiting", LINE) : [], active ? those("retrying") : [], those("failed")]);
      const held = line.filter(({ attempts }) => attempts > 0).at(-1);
      return [id, { failing: held ?? retried[0], dead: dead.length > 0 }] as const;
    }));
    health.value = { ...health.value, ...Object.fromEntries(found) };
  }

  return { health, lookUp };
}
