// Opens Dezky at the start and closes it at the end. A wrong setting stops the start with one line that names it.
import { dezkyApi } from "../dezky/api";
import { report } from "../http/log";

export default defineNitroPlugin((nitro) => {
  dezkyApi().catch((error: Error) => {
    report("the portal cannot start", error.message);
    process.exit(1);
  });
  nitro.hooks.hook("close", async () => (await dezkyApi()).close());
});
