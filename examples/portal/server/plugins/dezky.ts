// Opens Dezky at the start and closes it at the end. A wrong setting stops the start with one line that names it.
import { dezkyApi } from "../dezky/api";
import { report } from "../http/log";
import { endStreams } from "../http/streams";

export default defineNitroPlugin((nitro) => {
  dezkyApi().catch((error: Error) => {
    report("the portal cannot start", error.message);
    process.exit(1);
  });
  // Before connections are waited for: answers that are held open would not end by themselves.
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, endStreams);
  nitro.hooks.hook("close", async () => (await dezkyApi()).close());
});
