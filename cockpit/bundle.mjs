// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the page into a folder: node bundle.mjs FOLDER
import { copyFileSync } from "node:fs";
import { build } from "esbuild";

const out = process.argv[2];
await build({
    entryPoints: { index: "src/index.tsx" },
    outdir: out,
    bundle: true,
    minify: true,
    target: ["chrome100", "firefox100", "safari15.4"],
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".woff2": "file", ".ttf": "empty", ".svg": "empty", ".png": "empty", ".jpg": "empty" },
    assetNames: "fonts/[name]",
    legalComments: "linked",
    logLevel: "warning",
});
for (const file of ["index.html", "manifest.json"])
    copyFileSync(file, `${out}/${file}`);
