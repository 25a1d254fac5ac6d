// SPDX-License-Identifier: GPL-2.0-or-later
// When there is no answer, or none that is hoped for.
import assert from "node:assert/strict";
import { open } from "./devices.mjs";
import { example } from "./harness.mjs";

export const tests = [
    ["directpath is not installed: said, and found once it is", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { prepare: on => on.uninstall() });
        await tab.getByRole("heading", { name: "Directpath is not installed" }).waitFor();
        await shoot("state-missing");
        host.install();
        await tab.getByRole("button", { name: "Try again" }).click();
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
    }],
    ["no IOMMU: why nothing can be passed through, with the remedy", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "no-iommu");
        const wanted = host.ask("device", "list").diagnostics.find(one => one.severity === "error");
        await tab.getByText(wanted.message).waitFor();
        await tab.getByText(wanted.remedy).waitFor();
        await shoot("state-no-iommu");
        await tab.getByRole("tab", { name: "Host" }).click();
        await tab.getByText("Devices of this host cannot be passed through.").waitFor();
        await shoot("host-no-iommu");
    }],
    ["a host without a function to pass through", async env => {
        await open(env, "lab", { prepare: host => host.answer("device-list", { ...host.ask("device", "list"), devices: [] }) });
        await env.tab.getByRole("heading", { name: "No PCI function" }).waitFor();
        await env.shoot("state-no-devices");
    }],
    ["answers that are no JSON, or of another form", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { prepare: on => on.answer("device-list", '{"host": ') });
        const list = host.ask("device", "list", "--all");
        await tab.getByRole("heading", { name: "Directpath did not answer" }).waitFor();
        await tab.getByText(/its answer is not JSON/).waitFor();
        await shoot("state-broken");
        const again = async (answer, words, status = 0) => {
            host.answer("device-list", answer, { status });
            await tab.getByRole("button", { name: "Try again" }).click();
            await tab.getByText(words).waitFor();
        };
        await again("", /it printed nothing/);
        await again({ ...list, devices: 7 }, /not of the form that this page knows: document\.devices/);
        await again({ ...list, devices: [{ address: "0000:03:00.0" }] }, /document\.devices\[0\]\.esx_address/);
        await again("[]", /not of the form that this page knows: document/);
        await again("Segmentation fault", /ended with status 139/, 139);
        host.forget("device-list");
        await tab.getByRole("button", { name: "Try again" }).click();
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
    }],
    ["a later version: words that the page does not know are shown as they are", async env => {
        await open(env, "lab", { prepare: host => {
            const list = host.ask("device", "list", "--all");
            Object.assign(list.devices.find(one => one.address === "0000:03:00.0"), { state: "sleeping", more: { than: ["known"] } });
            host.answer("device-list", list);
        } });
        await env.tab.getByRole("row", { name: /0000:03:00\.0.*sleeping/ }).waitFor();
    }],
    ["the system fails: what was shown stays, and is said not to be up to date", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab");
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
        host.answer("device-list", "no longer JSON", { status: 3 });
        await tab.getByRole("heading", { name: "Not up to date" }).waitFor();
        assert.ok(await tab.getByRole("row", { name: /0000:03:00\.0/ }).isVisible());
        await shoot("state-not-up-to-date");
    }],
    ["a command that is refused whole shows its reasons", async env => {
        await open(env, "lab", { prepare: host => host.answer("device-list", example("failure"), { status: 3 }) });
        await env.tab.getByText(example("failure").diagnostics[0].message).waitFor();
        await env.tab.getByText(example("failure").diagnostics[0].remedy).waitFor();
        await env.shoot("state-failed");
    }],
];
