import { forward } from "../dezky/forward";

/** Dezky's API, with its paths, below `/api`. */
export default defineEventHandler((event) => forward(event, event.path.slice("/api".length)));
