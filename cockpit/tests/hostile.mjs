// SPDX-License-Identifier: GPL-2.0-or-later
// Names that want to be markup, commands, options, or not to be seen: they are text, and change nothing but text.
import assert from "node:assert/strict";
import { open } from "./devices.mjs";
import { example, SAMPLE } from "./harness.mjs";

const NAMES = {
    "markup": "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>",
    "a command": "$(id) `id` ; id | id & \"'",
    "an option": "--help",
    "right to left": "safe\u202Egpj.exe",
    "zero width and controls": "a\u200Bb\u0007c\u001B[31md\u2028e\uFEFFf\u{E0041}g",
    "half a character": "g\uDC00h",
    "64 KiB": "A".repeat(65536),
    "64 KiB of marks": `x${"\u0301".repeat(65535)}`,
};
const SEEN = {
    "right to left": "safe<U+202E>gpj.exe",
    "zero width and controls": "a<U+200B>b<U+0007>c<U+001B>[31md<U+2028>e<U+FEFF>f<U+E0041>g",
    "half a character": "g<U+DC00>h",
    "64 KiB": `${"A".repeat(120)}\u2026 (65,536 characters)`,
};

/** Nothing of it ran or was made an element, and nothing of it makes the page wider. */
async function unharmed(tab) {
    await tab.waitForTimeout(300);
    assert.equal(await tab.evaluate(() => window.hit), undefined, "a script of a name ran");
    assert.equal(await tab.locator("img, script:not([src])").count(), 0, "a name was made markup");
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "the page is wider than the window");
    const text = await tab.locator("body").innerText();
    const hidden = /[\u202A-\u202E\u2066-\u2069\u200B-\u200F\u0007\u001B\uFEFF]/.exec(text);
    assert.equal(hidden, null, `hidden characters reached the page near ${JSON.stringify(text.slice(Math.max(0, (hidden?.index ?? 0) - 40), (hidden?.index ?? 0) + 10))}`);
}

export const tests = [
    ...Object.entries(NAMES).map(([kind, name]) => [`hostile names of devices: ${kind}`, async env => {
        const { tab, shoot } = env;
        const poison = device => ({
            ...device, name, driver: name, host_names: [name, name], vmkname: name, used_by: name, state: "in-use",
            diagnostics: [{ id: "DP1203", severity: "error", subject: name, message: name, cause: name, remedy: name }],
        });
        await open(env, "lab", { path: "devices/0000:03:00.0", prepare: host => {
            const list = host.ask("device", "list", "--all"), full = host.ask("device", "show", "0000:03:00.0");
            list.devices = list.devices.map(device => device.address === "0000:03:00.0" || !device.assignable ? poison(device) : device);
            full.device = { ...poison(full.device), class_name: name };
            full.device.capabilities.pcie_type = name;
            full.device.power_state = name;
            host.answer("device-list", list);
            host.answer("device-show", full);
            const plan = example("device-change");
            plan.steps[0] = { action: name, subject: name, detail: name, undo: name };
            host.answer("device-enable-dry-run", { ...plan, changed: false });
        } });
        await tab.getByRole("heading", { name: "BARs" }).waitFor();
        await unharmed(tab);
        await shoot(`hostile-device-${kind.replaceAll(" ", "-")}`);
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await tab.getByRole("dialog").getByRole("heading", { name: "Plan" }).waitFor();
        await unharmed(tab);
    }]),
    ...Object.entries(NAMES).filter(([kind]) => !kind.startsWith("64 KiB of")).map(([kind, name]) => [`hostile names and paths of VMs: ${kind}`, async env => {
        const { tab, shoot } = env;
        const vmx = `/vmfs/${name}.vmx`;
        const host = await open(env, "lab", { path: "vms", prepare: on => {
            on.answer("vm-list", { vms: [], diagnostics: [], registered: [{ ...example("vm-list").registered[0], vmx, name, state: "off" }] });
            on.answer("vm-status", { name, vmx, state: "off", diagnostics: [] });
            on.answer("vm-log", { vmx, log: `${name}\n2026-11-21T02:30:00.000Z error DP4013: ${name}\n`, diagnostics: [] });
            on.answer("vm-power-on", example("failure"), { status: 1 });
            const report = on.ask("vm", "validate", on.vm("x", SAMPLE.replaceAll("/vmfs/volumes/store/rhel3/", "")));
            report.keys[3] = { key: name, value: name, line: 4, effect: "unknown", note: name };
            on.answer("vm-validate", report);
        } });
        const link = tab.getByRole("grid", { name: "Virtual machines" }).getByRole("button");
        await link.waitFor();
        if (SEEN[kind] !== undefined)
            assert.equal(await link.innerText(), SEEN[kind]);
        await link.click();
        if (kind === "half a character") {
            await tab.getByText("cannot be passed on").first().waitFor();
            await unharmed(tab);
            assert.ok(!host.calls().some(words => words[1] === "vm" && words[2] === "status"), "it was passed on");
            return;
        }
        await tab.getByText("How it ended").waitFor();
        await tab.getByText(/^Key by key: /).click();
        await unharmed(tab);
        await shoot(`hostile-vm-${kind.replaceAll(" ", "-")}`);
        await tab.getByRole("button", { name: "Power on" }).click();
        await tab.getByRole("heading", { name: "Power on: refused" }).waitFor();
        const call = host.calls().find(words => words[2] === "power-on");
        assert.deepEqual(call?.slice(0, 4), ["--json", "vm", "power-on", "--"]);
        assert.equal(call[4], vmx, "the path is not the one that was listed");
        await unharmed(tab);
    }]),
    ["hostile names in Host, Edit Settings and the banners", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab-enabled");
        const report = host.ask("vm", "validate", host.vm("x", SAMPLE.replaceAll("/vmfs/volumes/store/rhel3/", "")));
        const [status, list, check] = [host.ask("host", "status"), host.ask("device", "list", "--all"), host.ask("host", "check")];
        for (const kind of ["markup", "zero width and controls", "64 KiB"]) {
            const name = NAMES[kind];
            const said = id => ({ id, severity: "warning", subject: name, message: name, cause: name, remedy: name });
            host.answer("host-status", { ...status, diagnostics: [said("DP2021"), said("DP2053")],
                                         armed: { devices: [name], seconds: 60, seconds_left: 50, overrides: [] } });
            host.answer("device-list", { ...list, devices: list.devices.map(one => ({ ...one, name })) });
            host.answer("host-check", { ...check, kernel: name, lockdown: name, cpu_vendor: name, system_id: name, engine: { ...check.engine, path: name },
                                        checks: check.checks.map(one => ({ ...one, title: name, detail: name })), diagnostics: [said("DP1102")],
                                        survey: check.survey.map(row => ({ ...row, name })) });
            const drift = example("host-drift");
            host.answer("host-drift", { ...drift, since: { ...drift.since, time: name, kernel: name },
                                        changes: drift.changes.map(one => ({ ...one, was: name, is: name, card: one.card && { ...one.card, name }, vms: [name] })) });
            host.answer("vm-validate", { ...report, keys: report.keys.map(key => key.key === "memsize" ? { ...key, value: name } : key) });
            await tab.goto("about:blank");
            await tab.goto(host.url("host"));
            await tab.getByRole("grid", { name: "Drift" }).waitFor();
            await tab.getByRole("heading", { name: /taken back in/ }).waitFor();
            await tab.getByRole("button", { name: "Dismiss" }).waitFor();
            await unharmed(tab);
            await shoot(`hostile-host-${kind.replaceAll(" ", "-")}`);
            await tab.getByRole("tab", { name: "Virtual machines" }).click();
            await tab.getByRole("grid", { name: "Virtual machines" }).getByRole("button").click();
            await tab.getByRole("button", { name: "Edit Settings" }).click();
            await tab.getByRole("dialog").getByText(/^Reservation: all of it/).waitFor();
            await unharmed(tab);
        }
    }],
];
