// `make portal`: the provider, demonstration data and the portal, until Ctrl-C. PORT is the portal's (3000), and the next one the
// provider's. Data are in .dezky/portal of the repository. With --sources the portal follows changes of its sources.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Dezky } from "@dezky/sdk";
import { loadDemonstration } from "./demonstration.mjs";
import { PLATFORM_GROUP, people } from "./people.mjs";
import { startPortal } from "./portal.mjs";
import { CLIENT, startProvider } from "./provider.mjs";
import { portalSettings } from "./settings.mjs";

const port = Number(process.env.PORT ?? 3000);
const folder = fileURLToPath(new URL("../../../.dezky/portal/", import.meta.url));
const portalUrl = `http://app.dezky.localhost:${port}`;
const launcher = (slug) => `http://${slug}.dezky.localhost:${port}`;

await mkdir(folder, { recursive: true });
const store = `sqlite:${folder}dezky.sqlite`;
const provider = await startProvider({ port: port + 1, portalUrl, people });
const issuer = provider.issuer;

const dezky = await Dezky.open({ store, oidcIssuer: issuer, oidcAudience: CLIENT.id, platformAdminGroup: PLATFORM_GROUP, environment: false });
await loadDemonstration(dezky, people);
await dezky.close();

const sources = process.argv.includes("--sources");
const settings = portalSettings({ portalUrl, issuer, store, sessionFolder: `${folder}sessions`, seed: folder });
const portal = await startPortal(settings, (text) => process.stderr.write(text), { sources });

const width = Math.max(...people.map(({ email }) => email.length));
console.log(`
  Dezky's portal is at

    ${portalUrl}         the application
    ${launcher("nordlicht")}   the launcher of Nordlicht
    ${launcher("fjord")}       the launcher of Fjord

  Sign in as

${people.map(({ email, password, what }) => `    ${email.padEnd(width)}   ${password.padEnd(16)}   ${what}`).join("\n")}

  Browsers find *.localhost on this machine by themselves. Data are in .dezky/portal: remove it to start anew. Stop with Ctrl-C.
`);

const ended = () => {
  console.error("the portal has ended");
  process.exit(1);
};
portal.process.once("exit", ended);
const stop = async () => {
  portal.process.off("exit", ended);
  await portal.stop();
  await provider.close();
  process.exit(0);
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
