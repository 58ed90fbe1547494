// Sessions live on disk and survive a restart. Those that ended by age are removed, at start and every hour.
import { resolve } from "node:path";
import { files } from "../session/files";
import { removeOld } from "../session/store";

const HOUR = 60 * 60 * 1000;

export default defineNitroPlugin((nitro) => {
  const { sessionFolder, oidc } = useRuntimeConfig();
  const folder = resolve(sessionFolder);
  useStorage().mount("oidc", files(folder));

  const sweep = () => removeOld(oidc.session.maxAge ?? 0).catch((error: unknown) => console.error(`sessions in ${folder}: ${String(error)}`));
  void sweep();
  const timer = setInterval(sweep, HOUR);
  timer.unref();
  nitro.hooks.hook("close", () => clearInterval(timer));
});
