// SPDX-License-Identifier: GPL-2.0-or-later
// Host: the checklist, drift and the survey.
import assert from "node:assert/strict";
import { open } from "./devices.mjs";
import { example } from "./harness.mjs";

export const tests = [
    ["host: the checklist", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "no-intremap", { path: "host" });
        await tab.getByText("Devices of this host cannot be passed through.").waitFor();
        const lines = await tab.getByRole("list", { name: "Checks" }).getByRole("listitem").allInnerTexts();
        const wanted = host.ask("host", "check").checks.map(check => `${check.title} ${check.result} ${check.detail}`.trim());
        assert.deepEqual(lines.map(line => line.replaceAll(/\s+/g, " ").trim()), wanted);
        assert.ok(wanted.some(line => line.startsWith("Interrupt remapping no")), wanted.join("\n"));
        await tab.getByText("interrupt remapping").first().waitFor();
        await shoot("host-checklist");
    }],
    ["host: each function against each rule, and the way to it", async env => {
        const { tab, shoot } = env;
        await open(env, "lab", { path: "host" });
        const survey = tab.getByRole("table", { name: "Survey" });
        const row = survey.getByRole("row", { name: /0000:02:00\.0/ });
        await row.waitFor();
        assert.match((await row.innerText()).replaceAll(/\s+/g, " "), /0000:02:00\.0 ok ok ok no DP1205 ok ok ok/);
        await row.scrollIntoViewIfNeeded();
        await shoot("host-survey");
        await row.getByRole("link").click();
        await tab.getByRole("region", { name: "Details of 0000:02:00.0" }).waitFor();
    }],
    ["host: drift, and whom it concerns", async env => {
        const { tab, shoot } = env;
        await open(env, "lab", { path: "host", prepare: host => host.answer("host-drift", example("host-drift")) });
        const drift = tab.getByRole("grid", { name: "Drift" });
        await drift.waitFor();
        assert.match((await drift.innerText()).replaceAll(/\s+/g, " "), /0000:06:00\.0 has moved 0000:05:00\.0 0000:06:00\.0 .*82574L.* stored for passthrough, \/vmfs\/volumes\/store\/web\/web\.vmx/);
        await shoot("host-drift");
    }],
    ["host: no good boot to compare with", async env => {
        await open(env, "lab", { path: "host" });
        await env.tab.getByText("there is no record of a good boot to compare with").waitFor();
    }],
];
