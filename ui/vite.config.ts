// SPDX-License-Identifier: Apache-2.0
// Three files with stable names: they are compiled into the program, which says when they changed by their content.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// What is bundled is passed on with the program, and its licence asks for this notice.
const notice = () => {
  const text = readFileSync(new URL("./node_modules/preact/LICENSE", import.meta.url), "utf8");
  return `/*! SPDX-License-Identifier: Apache-2.0 (this page) AND MIT (Preact, which is part of it)\n${text.trim()}\n*/`;
};

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: process.env.SMTPDX_UI_OUT ?? "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: "app.js",
        assetFileNames: "app[extname]",
        codeSplitting: false,
        postBanner: notice(),
      },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
