// Whatever writes to the outputs of this process, frameworks included: no control character of a request reaches a terminal.
import { withoutControls } from "../http/log";

export default defineNitroPlugin(() => {
  // Nuxt's own server for development writes in colours.
  if (import.meta.dev) return;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
    stream.write = ((chunk: unknown, ...rest: unknown[]) => write(typeof chunk === "string" ? withoutControls(chunk) : chunk, ...rest)) as typeof stream.write;
  }
});
