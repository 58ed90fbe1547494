// Gives each request a span of its trace and exports it, where NUXT_OTLP_ENDPOINT names a collector.
import { beginSpan, type Begun, SpanExport, traceparentOf } from "../http/traces";

export default defineNitroPlugin((nitro) => {
  const { otlpEndpoint } = useRuntimeConfig();
  if (!otlpEndpoint) return;
  const spans = new SpanExport(otlpEndpoint);
  const begun = new WeakMap<object, Begun>();
  nitro.hooks.hook("request", (event) => {
    const { req } = event.node;
    const span = beginSpan(getRequestHeader(event, "traceparent"));
    begun.set(event.node, span);
    // What the request asks of the API belongs to this span.
    req.headers.traceparent = traceparentOf(span);
    event.node.res.once?.("close", () => {
      const span = begun.get(event.node);
      if (span) spans.end(event, span);
    });
  });
  nitro.hooks.hook("close", () => spans.close());
});
