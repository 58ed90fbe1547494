// Records which packages a build takes code from, so that `scripts/notices.sh portal` can put their licences beside it: those that are in
// the bundles of browsers and of the server, and those that Nitro copies beside the latter.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { addVitePlugin, defineNuxtModule } from "nuxt/kit";

/** The folder of the package that a module is in: the last of those below node_modules. */
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/@.][^/]*(?=\/)/;

interface Lock {
  packages: Record<string, { version?: string }>;
}

export default defineNuxtModule({
  meta: { name: "notices" },
  setup(_, nuxt) {
    if (nuxt.options.dev) return;
    const folders = new Set<string>();
    const recorder = {
      name: "notices",
      generateBundle(_: unknown, bundle: Record<string, { type: string; moduleIds?: string[] }>) {
        for (const id of Object.values(bundle).flatMap(({ moduleIds }) => moduleIds ?? [])) {
          const folder = PACKAGE.exec(id.replace(/^\0/, "").replaceAll("\\", "/"))?.[0];
          if (folder) folders.add(folder);
        }
      },
    };
    addVitePlugin(() => recorder as never);
    nuxt.hook("nitro:config", (config) => {
      config.rollupConfig ??= { output: {} as never };
      config.rollupConfig.plugins = [config.rollupConfig.plugins ?? [], recorder as never];
    });
    nuxt.hook("nitro:init", (nitro) => {
      nitro.hooks.hook("compiled", () => {
        const { rootDir } = nuxt.options;
        const lock = JSON.parse(readFileSync(join(rootDir, "package-lock.json"), "utf8")) as Lock;
        for (const manifest of globSync("**/node_modules/**/package.json", { cwd: nitro.options.output.serverDir })) {
          const { name, version } = JSON.parse(readFileSync(join(nitro.options.output.serverDir, manifest), "utf8")) as { name?: string; version?: string };
          const installed = Object.entries(lock.packages).find(([path, entry]) => path.endsWith(`node_modules/${name}`) && entry.version === version);
          if (installed) folders.add(join(rootDir, installed[0]));
        }
        // Folders that only say which kind of modules they have belong to the package around them.
        const known = [...folders].filter((folder) => existsSync(join(folder, "package.json"))).map((folder) => relative(rootDir, folder));
        // In the output and not in the folder of the build, which is another at a second build: a record of the one before would be read.
        // The SDK is no work of others; what is in its addon is told by Rust.
        writeFileSync(join(nitro.options.output.dir, "bundled.json"), `${JSON.stringify(known.filter((folder) => !/(^|\/)@dezky\//.test(folder)).sort(), null, 2)}\n`);
      });
    });
  },
});
