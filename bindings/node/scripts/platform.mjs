// Prints the name of this machine's platform, as the loader looks for it.
import { createRequire } from "node:module";

console.log(createRequire(import.meta.url)("../lib/platform.cjs").platform());
