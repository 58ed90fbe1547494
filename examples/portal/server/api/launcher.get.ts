import { forward } from "../dezky/forward";
import { siteOf } from "../http/site";

/** How a launcher looks, for everybody: `GET /launcher` of Dezky. At the host of a launcher it is that one, elsewhere `slug` says which. */
export default defineEventHandler((event) => {
  const { slug } = siteOf(event);
  const asked = event.path.slice("/api".length);
  return forward(event, slug && asked === "/launcher" ? `/launcher?slug=${slug}` : asked);
});
