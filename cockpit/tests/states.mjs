// SPDX-License-Identifier: GPL-2.0-or-later
// When there is no answer, or none that is hoped for.
import assert from "node:assert/strict";
import { open } from "./devices.mjs";
import { example, SAMPLE } from "./harness.mjs";

export const tests = [
    ["directpath is not installed: said, and found once it is", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { prepare: on => on.uninstall() });
        await tab.getByRole("heading", { name: "Directpath is not installed" }).waitFor();
        await shoot("state-missing"); await env.axe("missing");
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
        await env.shoot("state-no-devices"); await env.axe("no-devices");
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
        await shoot("state-not-up-to-date"); await env.axe("not-up-to-date");
    }],
    ["what is said once, and what is stored and not there, stay above every tab", async env => {
        const { tab, shoot } = env;
        const once = { id: "DP2053", severity: "warning", subject: "0000:04:00.0", message: "0000:04:00.0: taken back after 60 s", cause: "nobody", remedy: "repeat" };
        const strange = { ...once, id: "DP1999", message: "something of the host as a whole" };
        const gone = "0000:0a:00.0";
        const host = await open(env, "lab-enabled", { prepare: on => {
            on.write("etc/directpath/esx.conf", `${on.read("etc/directpath/esx.conf")}/device/010:00.0/owner = "passthru"\n`);
            on.answer("device-list", { ...on.ask("device", "list", "--all"), diagnostics: [once, strange] });
        } });
        await tab.getByText(once.message).waitFor();
        await tab.getByText(strange.message).waitFor();
        const absent = host.ask("host", "status").diagnostics.find(one => one.id === "DP2020");
        assert.equal(absent.subject, gone);
        await tab.getByText(absent.message).waitFor();
        host.forget("device-list"); // it is said no more
        await tab.getByText(strange.message).waitFor({ state: "hidden" });
        await tab.getByRole("tab", { name: "Virtual machines" }).click();
        assert.ok(await tab.getByText(once.message).isVisible(), "what was said once is gone");
        await shoot("state-said-once"); await env.axe("said-once");
        await tab.getByRole("button", { name: "Dismiss" }).click();
        await tab.getByText(once.message).waitFor({ state: "hidden" });
        host.answer("host-status", example("failure"), { status: 3 });
        await tab.getByRole("heading", { name: "Not known now: what waits for a reboot, or for a confirmation" }).waitFor();
        await tab.getByText(example("failure").diagnostics[0].message, { exact: true }).waitFor();
    }],
    ["an answer that does not come is said, and one that comes after a newer one is dropped", async env => {
        const { tab } = env;
        await tab.clock.install();
        const host = await open(env, "lab", { path: "devices/0000:03:00.0" });
        const state = word => tab.getByRole("row", { name: /0000:03:00\.0/ }).getByText(word);
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await tab.getByRole("dialog").getByRole("heading", { name: "Plan" }).waitFor();
        host.answer("device-list", host.ask("device", "list", "--all"), { hold: true });
        await tab.clock.fastForward(5000);
        await host.held("device-list");
        await tab.clock.fastForward(10_000);
        await tab.getByRole("heading", { name: "Not up to date", includeHidden: true }).first().waitFor();
        host.forget("device-list");
        await tab.getByRole("dialog").getByRole("button", { name: "Enable passthrough" }).click();
        await tab.getByText("Close", { exact: true }).click();
        await state("Reboot required").waitFor();
        await tab.getByRole("heading", { name: "Not up to date" }).waitFor({ state: "hidden" });
        await host.release("device-list");
        await tab.waitForTimeout(3000);
        assert.ok(await state("Reboot required").isVisible(), "an older answer took the place of a newer one");
    }],
    ["a page that is not seen asks nothing, and asks once it is seen", async env => {
        const { tab } = env;
        await tab.addInitScript(() => Object.defineProperty(document, "hidden", { get: () => window.away === true }));
        const show = away => tab.evaluate(value => { window.away = value; document.dispatchEvent(new Event("visibilitychange")); }, away);
        let vmx = "";
        const host = await open(env, "lab", { path: "vms", prepare: on => { vmx = on.vm("RHEL3", SAMPLE); } });
        await tab.getByRole("button", { name: "RHEL3" }).waitFor();
        await show(true);
        await tab.getByRole("button", { name: "RHEL3" }).click();
        await tab.getByText("Validating").first().waitFor();
        await tab.getByText("Reading the log").first().waitFor();
        assert.equal(await tab.getByText("It has no log").count(), 0, "what is not known yet is said to be so");
        assert.ok(!host.calls().some(words => words.at(-1) === vmx), "it asks unseen");
        await show(false);
        await tab.getByText(/^Key by key: /).waitFor();
        await tab.getByText("It has no log: it has not run here.").waitFor();
    }],
    ["what more privileges show is asked for when they come", async env => {
        const { tab } = env;
        await tab.addInitScript(() => {
            let library;
            const permission = Object.assign(new EventTarget(), { allowed: false });
            window.administrator = () => { permission.allowed = true; permission.dispatchEvent(new Event("changed")); };
            Object.defineProperty(window, "cockpit", { get: () => library, set: value => { library = Object.assign(value, { permission: () => permission }); } });
        });
        let vmx = "";
        const denied = { ...example("failure").diagnostics[0], id: "DP9004", message: "its file may not be read" };
        const host = await open(env, "lab", { path: "vms", prepare: on => {
            vmx = on.vm("RHEL3", SAMPLE);
            for (const name of ["vm-validate", "vm-log"])
                on.answer(name, { diagnostics: [denied] }, { status: 3 });
        } });
        await tab.getByRole("heading", { name: "Limited access" }).waitFor();
        await tab.getByRole("button", { name: "RHEL3" }).click();
        await tab.getByRole("heading", { name: "The log cannot be shown" }).waitFor();
        assert.equal(await tab.getByText("It has no log").count(), 0, "a log that may not be read is said not to be");
        host.forget("vm-validate");
        host.answer("vm-log", { vmx, log: "2026-11-21T02:30:02.000Z error DP4013: seen\n", diagnostics: [] });
        await tab.evaluate(() => window.administrator());
        await tab.getByText(/^Key by key: /).waitFor();
        await tab.getByText("error DP4013: seen").first().waitFor();
    }],
    ["a command that is refused whole shows its reasons", async env => {
        await open(env, "lab", { prepare: host => host.answer("device-list", example("failure"), { status: 3 }) });
        await env.tab.getByRole("heading", { name: "Directpath could not tell" }).waitFor();
        await env.tab.getByText(example("failure").diagnostics[0].message).waitFor();
        await env.tab.getByText(example("failure").diagnostics[0].remedy).waitFor();
        assert.equal(await env.tab.getByText("No PCI function").count(), 0);
        await env.shoot("state-failed"); await env.axe("failed");
    }],
    ["a failure is not taken for an answer: nothing is said of what is not known", async env => {
        const { tab } = env;
        const failure = example("failure");
        const host = await open(env, "lab", { prepare: on => {
            for (const name of ["device-list", "vm-list", "host-check"])
                on.answer(name, failure, { status: 3 });
        } });
        for (const [name, wrong] of [["PCI devices", "No PCI function"], ["Host", "Devices of this host cannot be passed through."],
                                     ["Virtual machines", "No virtual machine"]]) {
            await tab.getByRole("tab", { name }).click();
            await tab.getByRole("heading", { name: "Directpath could not tell" }).waitFor();
            await tab.getByText(failure.diagnostics[0].message).waitFor();
            assert.equal(await tab.getByText(wrong).count(), 0, `${name} says: ${wrong}`);
        }
        await tab.getByRole("tab", { name: "PCI devices" }).click();
        host.forget("device-list");
        await tab.getByRole("button", { name: "Try again" }).click();
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
        host.answer("device-list", failure, { status: 3 });
        await tab.getByRole("heading", { name: "Not up to date" }).waitFor();
        await tab.getByText(failure.diagnostics[0].message).waitFor();
        assert.ok(await tab.getByRole("row", { name: /0000:03:00\.0/ }).isVisible(), "the last good answer is gone");
    }],
];
