// SPDX-License-Identifier: GPL-2.0-or-later
import assert from "node:assert/strict";

export const tests = [
    ["the page opens on PCI devices", async ({ tab, hostOf, shoot }) => {
        const host = await hostOf("root");
        host.capture("lab-enabled");
        await tab.goto(host.url());
        await tab.getByRole("tab", { name: "PCI devices" }).waitFor();
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
        assert.equal(await tab.getByRole("tab").count(), 3);
        await shoot("devices");
    }],
];
