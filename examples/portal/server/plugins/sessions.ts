// Sessions live on disk and survive a restart. Those that nobody has used for too long are removed, at start and every hour.
import { report } from "../http/log";
import { openFolder } from "../session/files";
import { removeUnused } from "../session/store";

const HOUR = 60 * 60 * 1000;

export default defineNitroPlugin((nitro) => {
  const { sessionFolder } = useRuntimeConfig();
  openFolder(sessionFolder);

  const sweep = () => removeUnused().catch((error: unknown) => report(`sessions in ${sessionFolder}`, error));
  void sweep();
  const timer = setInterval(sweep, HOUR);
  timer.unref();
  nitro.hooks.hook("close", () => clearInterval(timer));
});
