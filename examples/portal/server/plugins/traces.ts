// Gives each request a span of its trace and exports it, where NUXT_OTLP_ENDPOINT names a collector.
import { beginSpan, SpanExport, traceparentOf } from "../http/traces";

/** Probes, and files that never change: no spans that anybody looks for. */
const UNTRACED = /^\/(?:healthz|_nuxt)(?:[/?#]|$)/;

export default defineNitroPlugin((nitro) => {
  const { otlpEndpoint } = useRuntimeConfig();
  if (!otlpEndpoint) return;
  const spans = new SpanExport(otlpEndpoint);
  nitro.hooks.hook("request", (event) => {
    if (UNTRACED.test(event.path)) return;
    const { req, res } = event.node;
    const span = beginSpan(getRequestHeader(event, "traceparent"));
    // What the request asks of the API belongs to this span. What came without a valid parent says nothing of its trace.
    req.headers.traceparent = traceparentOf(span);
    if (!span.parentSpanId) delete req.headers.tracestate;
    res.once?.("close", () => spans.end(event, span));
  });
  nitro.hooks.hook("close", () => spans.close());
});
