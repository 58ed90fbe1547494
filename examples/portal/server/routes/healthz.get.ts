/** For probes: the portal answers. */
export default defineEventHandler(() => "ok");
