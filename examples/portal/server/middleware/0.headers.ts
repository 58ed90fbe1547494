// Headers of every answer; server/plugins/contents.ts has the policy of pages.
import { applicationUrl } from "../http/site";

export default defineEventHandler((event) => {
  setResponseHeaders(event, {
    // For what is no page.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    // The origin is needed by requests that cross from a launcher to the application; paths are nobody's business.
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
  if (applicationUrl().protocol === "https:") {
    setResponseHeader(event, "strict-transport-security", "max-age=31536000; includeSubDomains");
  }
});
