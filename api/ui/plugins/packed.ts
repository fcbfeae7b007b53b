import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { Plugin } from "vite";

const SMALLEST = 512;
const TEXT = /\.(js|css|svg|json|html)$/;

/** Compresses each file of text once, at the build, so that the gateway need not at each request. */
export function packed(): Plugin {
  let folder = "";
  return {
    name: "headrace:packed",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      const found = await readdir(folder, { recursive: true });
      await Promise.all(
        found.filter((name) => TEXT.test(name) && name !== "index.html").map((name) => pack(join(folder, name))),
      );
    },
  };
}

async function pack(path: string): Promise<void> {
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) return;
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
}
