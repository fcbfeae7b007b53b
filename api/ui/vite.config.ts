import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { packed } from "./plugins/packed.ts";

// Where `headrace up` listens; `npm run dev` passes on to it what is not of the interface.
const GATEWAY = process.env["HEADRACE_URL"] ?? "http://127.0.0.1:9997";

export default defineConfig({
  base: "./",
  plugins: [react(), packed()],
  build: {
    manifest: true,
    outDir: "dist",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "^/(v1|docs|openapi.json|metrics|readyz|version)": GATEWAY } },
});
