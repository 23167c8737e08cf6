import { defineConfig } from "vitest/config";
import { contentSecurityPolicy } from "./content-security-policy.ts";

/** Where `npm run dev` finds a running Matinee. */
const INSTANCE = process.env.MATINEE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [contentSecurityPolicy()],
  build: {
    outDir: "../edge/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs would need a hole in the Content-Security-Policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900, // kB: hls.js and media-chrome, which only the watch page loads
  },
  server: { proxy: { "/api": INSTANCE, "/v/": INSTANCE } },
  test: { include: ["tests/**/*.test.ts"] },
});
