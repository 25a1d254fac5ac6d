// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual machines. A captured host runs none, so what acts on a running one is answered by the documents of docs/json.md.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { open } from "./devices.mjs";
import { example, SAMPLE } from "./harness.mjs";

const details = tab => tab.getByRole("region", { name: /^Details of/ });
const dialog = tab => tab.getByRole("dialog");
const LOG = `2026-11-21T02:24:31.000Z the guest runs: engine 812, user 1893728256, supervisor 815
2026-11-21T02:30:00.000Z error DP4013: 0000:03:00.0 was not reset after its VM
2026-11-21T02:30:01.000Z the engine has ended: by signal 11
2026-11-21T02:30:02.000Z the VM is off
`;

/** One VM, registered; its details are open. */
async function one(env, { text = SAMPLE, prepare = () => undefined } = {}) {
    let vmx = "";
    const host = await open(env, "lab-enabled", { path: "vms", prepare: async on => {
        vmx = on.vm("RHEL3", text.replaceAll("/vmfs/volumes/store/rhel3/", ""));
        on.write("etc/directpath/datastores", "store = /vmfs/volumes/store\n");
        await prepare(on, vmx);
    } });
    await env.tab.getByRole("button", { name: "RHEL3" }).click();
    await details(env.tab).waitFor();
    return { host, vmx };
}

function run(host, vmx) {
    const status = { ...example("vm-status"), vmx };
    host.answer("vm-list", { ...host.ask("vm", "list"), vms: [{ ...example("vm-list").vms[0], vmx }] });
    host.answer("vm-status", status);
    return status;
}

export const tests = [
    ["vms: none", async env => {
        await open(env, "lab", { path: "vms" });
        await env.tab.getByRole("heading", { name: "No virtual machine" }).waitFor();
        await env.shoot("vms-none"); await env.axe("vms-none");
    }],
    ["vms: registered and off, and what becomes of its file", async env => {
        const { tab, shoot } = env;
        const { host, vmx } = await one(env, { prepare: (_on, at) => writeFileSync(join(dirname(at), "directpath.log"), LOG) });
        const row = tab.getByRole("grid", { name: "Virtual machines" }).getByRole("row", { name: /RHEL3/ });
        assert.match(await row.innerText(), /RHEL3\s+Off\s+no\s+\/tmp\//);
        await details(tab).getByText("How it ended").waitFor();
        assert.match(await details(tab).innerText(), /error DP4013: 0000:03:00\.0 was not reset after its VM\s+.*the engine has ended: by signal 11/);
        const report = host.ask("vm", "validate", vmx);
        await details(tab).getByText(/^Key by key: /).click();
        const keys = details(tab).getByRole("grid", { name: "Keys" });
        await keys.getByRole("row", { name: /scsi0\.virtualDev.*lsilogic.*substituted/ }).waitFor();
        await details(tab).getByRole("combobox", { name: "Effect" }).selectOption("ignored");
        await keys.getByRole("row", { name: /scsi0\.virtualDev/ }).waitFor({ state: "hidden" });
        const grid = details(tab).getByRole("grid", { name: "PCI devices of the file" });
        const entries = (await grid.innerText()).replaceAll(/\s+/g, " ");
        assert.match(entries, /pciPassthru0 0000:03:00\.0 .*pciPassthru1 0000:04:00\.0/);
        assert.equal(await grid.getByRole("row").count(), 1 + report.passthrough.length);
        await keys.scrollIntoViewIfNeeded();
        await shoot("vm-off");
    }],
    ["vms: running, its devices, their interrupts, and what is not available", async env => {
        const { tab, shoot } = env;
        await one(env, { prepare: (on, vmx) => {
            run(on, vmx);
            on.answer("vm-log", { vmx, log: "2026-11-21T02:24:32.000Z engine: qemu-system-x86_64: warning: vfio\n", diagnostics: [] });
        } });
        await details(tab).getByRole("heading", { name: "What was said of it so far" }).waitFor();
        await details(tab).getByText("warning: vfio").first().waitFor();
        assert.equal(await details(tab).getByText("How it ended").count(), 0, "the end of one that runs is told");
        const grid = details(tab).getByRole("grid", { name: "Passed-through devices" });
        await grid.waitFor();
        assert.match((await grid.innerText()).replaceAll(/\s+/g, " "), /pciPassthru0 0000:03:00\.0 0000:03:00\.0 flr MSI-X, 1,069 came MSI-X/);
        await details(tab).getByText("snapshots: the state of a physical device cannot be saved").waitFor();
        assert.ok(await details(tab).getByRole("button", { name: "Power on" }).isDisabled());
        await shoot("vm-running");
    }],
    ["vms: power on, shut down, power off", async env => {
        const { tab, shoot } = env;
        const { host, vmx } = await one(env);
        const last = () => host.calls().filter(words => /power|shut/.test(words[2])).at(-1);
        host.answer("vm-power-on", { ...example("vm-power-on"), diagnostics: [] }, { hold: true });
        await details(tab).getByRole("button", { name: "Power on" }).click();
        await details(tab).getByText("Powering on").first().waitFor();
        const progress = details(tab).locator(".dp-working").filter({ hasText: /Powering on.*([2-9]|\d\d) s/ });
        await progress.waitFor();
        assert.equal(await progress.getByRole("status").innerText(), "Powering on", "the seconds are told to ears");
        await shoot("vm-powering-on");
        await tab.getByRole("tab", { name: "Host" }).click();
        await tab.getByRole("heading", { name: "Checklist" }).waitFor();
        await tab.getByRole("tab", { name: "Virtual machines" }).click();
        await tab.getByRole("button", { name: "RHEL3" }).click();
        await details(tab).getByText("Powering on").first().waitFor();
        run(host, vmx);
        await host.release("vm-power-on");
        await tab.getByRole("row", { name: /RHEL3.*Running/ }).waitFor();
        assert.deepEqual(last(), ["--json", "vm", "power-on", "--", vmx]);
        host.answer("vm-shut-down", example("failure"), { status: 1 });
        await details(tab).getByRole("button", { name: "Shut down" }).click();
        await details(tab).getByRole("heading", { name: "Shut down: refused" }).waitFor();
        assert.deepEqual(last(), ["--json", "vm", "shut-down", "--", vmx]);
        host.answer("vm-shut-down", example("failure"), { status: 4 });
        await details(tab).getByRole("button", { name: "Shut down" }).click();
        await details(tab).getByRole("heading", { name: "Shut down: done, but not in every part" }).waitFor();
        host.answer("vm-power-off", example("vm-end"));
        await details(tab).getByRole("button", { name: "Power off" }).click();
        await dialog(tab).getByText("ends at once").waitFor();
        await shoot("vm-power-off"); await env.axe("vm-power-off");
        await dialog(tab).getByRole("button", { name: "Cancel" }).click();
        assert.notEqual(last()[2], "power-off");
        await details(tab).getByRole("button", { name: "Power off" }).click();
        await dialog(tab).getByRole("button", { name: "Power off" }).click();
        host.forget("vm-list");
        host.forget("vm-status");
        await tab.getByRole("row", { name: /RHEL3.*Off/ }).waitFor();
        assert.deepEqual(last(), ["--json", "vm", "power-off", "--", vmx]);
    }],
    ["vms: a power-on that is refused tells why", async env => {
        const { tab, shoot } = env;
        await one(env); // a captured host cannot power on: the program itself refuses
        await details(tab).getByRole("button", { name: "Power on" }).click();
        await details(tab).getByRole("heading", { name: "Power on: refused" }).waitFor();
        await details(tab).getByText("'vm power-on' acts on the running machine and refuses --root").waitFor();
        await tab.getByRole("tab", { name: "PCI devices" }).click();
        await tab.getByRole("row", { name: /0000:03:00\.0/ }).waitFor();
        await tab.getByRole("tab", { name: "Virtual machines" }).click();
        await tab.getByRole("button", { name: "RHEL3" }).click();
        await details(tab).getByRole("heading", { name: "Power on: refused" }).waitFor(); // still there
        await shoot("vm-refused"); await env.axe("vm-refused");
    }],
    ["vms: what is asked of a VM and does not come is said", async env => {
        const { tab, shoot } = env;
        await tab.clock.install();
        let status;
        const { host } = await one(env, { prepare: (on, at) => {
            status = run(on, at);
            on.answer("vm-log", { vmx: at, log: LOG, diagnostics: [] }, { hold: true });
            on.answer("vm-validate", on.ask("vm", "validate", at), { hold: true });
        } });
        const old = details(tab).getByRole("heading", { name: "Not up to date" });
        await details(tab).getByRole("grid", { name: "Passed-through devices" }).waitFor();
        assert.equal(await old.count(), 0);
        await Promise.all(["vm-log", "vm-validate"].map(name => host.held(name)));
        await tab.clock.fastForward(10_000);
        await old.nth(1).waitFor();
        assert.equal(await old.count(), 2);
        await details(tab).getByText("Reading the log").waitFor();
        host.answer("vm-status", status, { hold: true });
        await tab.clock.fastForward(5000);
        await host.held("vm-status");
        await tab.clock.fastForward(10_000);
        await old.nth(2).waitFor();
        assert.ok(await details(tab).getByRole("grid", { name: "Passed-through devices" }).isVisible(), "what was known of it is gone");
        await shoot("vm-late"); await env.axe("vm-late");
    }],
    ["vms: DMA outside the guest's memory is told", async env => {
        const { tab, shoot } = env;
        await one(env, { prepare: (host, vmx) => host.answer("vm-status", {
            name: "RHEL3", vmx, state: "off", diagnostics: [], dma_faults: {
                count: 2, time: "2026-11-21T02:30:00Z", device: "0000:03:00.0", requester: "0000:03:00.0", access: "DMA write",
                address: "0xdead0000", reason: 5, powered_off: true,
            },
        }) });
        await details(tab).getByText("The VM was powered off for it.").waitFor();
        await shoot("vm-dma-fault");
    }],
    ["settings: memory, its reservation and limit, devices come and go", async env => {
        const { tab, shoot } = env;
        const { host, vmx } = await one(env, { text: SAMPLE.replace(/^pciPassthru1\..*\n/gm, "") });
        await details(tab).getByRole("button", { name: "Edit Settings" }).click();
        await dialog(tab).getByText("Limit: 512 MB").waitFor();
        assert.ok(await dialog(tab).getByRole("button", { name: "Save" }).isDisabled());
        await dialog(tab).getByText(/^Reservation: all of it, 512 MB/).waitFor();
        await dialog(tab).getByLabel("Size in MB").fill("1024");
        await dialog(tab).getByText(/^Reservation: all of it, 1024 MB/).waitFor();
        await dialog(tab).getByRole("checkbox", { name: "Set the limit to unlimited" }).check();
        await dialog(tab).getByText("Limit: unlimited").waitFor();
        const choice = dialog(tab).getByLabel("New PCI device");
        assert.deepEqual((await choice.locator("option").allInnerTexts()).map(text => text.split(" ")[0]), ["Choose", "0000:04:00.0"]);
        await choice.selectOption("0000:04:00.0");
        await dialog(tab).getByRole("button", { name: "Add PCI device" }).click();
        await shoot("vm-settings");
        const before = readFileSync(vmx, "utf8");
        await dialog(tab).getByRole("button", { name: "Save" }).click();
        await dialog(tab).waitFor({ state: "hidden" });
        const after = readFileSync(vmx, "utf8");
        assert.notEqual(after, before);
        for (const line of ['memsize = "1024"', 'sched.mem.min = "1024"', 'sched.mem.max = "unlimited"', 'pciPassthru1.id = "00000:004:00.0"'])
            assert.ok(after.includes(line), `no ${line} in ${after}`);
        const changes = host.calls().filter(words => ["add-device", "remove-device", "set"].includes(words[2]));
        assert.deepEqual(changes[0], ["--json", "vm", "add-device", "--", vmx, "0000:04:00.0"]);
        assert.deepEqual(changes[1].slice(0, 5), ["--json", "vm", "set", "--", vmx]);
        await details(tab).getByRole("button", { name: "Edit Settings" }).click();
        await dialog(tab).getByText("Limit: unlimited").waitFor();
        await dialog(tab).getByRole("button", { name: "Remove pciPassthru0" }).click();
        await dialog(tab).getByRole("button", { name: "Save" }).click();
        await dialog(tab).waitFor({ state: "hidden" });
        assert.doesNotMatch(readFileSync(vmx, "utf8"), /pciPassthru0\.present = "TRUE"/);
    }],
    ["settings: an edit that is refused says what was done before it", async env => {
        const { tab, shoot } = env;
        const { host } = await one(env);
        host.answer("vm-set", example("failure"), { status: 1 });
        host.answer("device-list", example("failure"), { status: 3 });
        await tab.reload();
        await details(tab).getByRole("button", { name: "Edit Settings" }).click();
        await dialog(tab).getByText("The list of PCI devices could not be read").waitFor({ state: "attached" });
        await dialog(tab).getByRole("button", { name: "Remove pciPassthru1" }).click();
        await dialog(tab).getByLabel("Size in MB").fill("768");
        await dialog(tab).getByRole("button", { name: "Save" }).click();
        await dialog(tab).getByRole("heading", { name: "Not done: set the memory" }).waitFor();
        await dialog(tab).getByText("Done before it: remove pciPassthru1.").waitFor();
        await dialog(tab).getByText(example("failure").diagnostics[0].message).waitFor();
        await shoot("vm-settings-refused"); await env.axe("vm-settings-refused");
    }],
    ["vms: register", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab-enabled", { path: "vms" });
        await tab.getByRole("button", { name: "Register a VM" }).click();
        await dialog(tab).getByLabel("File of the VM on this host").fill("--help");
        await dialog(tab).getByRole("button", { name: "Register" }).click();
        await dialog(tab).getByText(/Remedy/).first().waitFor();
        await shoot("vm-register-refused"); await env.axe("vm-register-refused");
        assert.deepEqual(host.calls().find(words => words.includes("register")), ["--json", "vm", "register", "--", "--help"]);
        host.write("vmfs/one.vmx", SAMPLE);
        await dialog(tab).getByLabel("File of the VM on this host").fill(host.path("vmfs/one.vmx"));
        await dialog(tab).getByRole("button", { name: "Register" }).click();
        await tab.getByRole("button", { name: "RHEL3" }).waitFor();
        assert.equal(JSON.parse(host.read("etc/directpath/vms.json")).vms[0].vmx, "/vmfs/one.vmx");
    }],
    ["vms: what was chosen and is there no more is said", async env => {
        const { tab } = env;
        await tab.clock.install();
        const { host } = await one(env);
        host.write("etc/directpath/vms.json", '{"version":1,"vms":[]}');
        await tab.clock.fastForward(5000);
        await details(tab).getByRole("heading", { name: "It is not there" }).waitFor();
        await details(tab).getByRole("button", { name: "Close details" }).click();
        await details(tab).waitFor({ state: "hidden" });
        const list = host.ask("device", "list", "--all");
        await tab.goto(host.url("devices/0000:03:00.0"));
        await details(tab).getByRole("heading", { name: "BARs" }).waitFor();
        host.answer("device-list", { ...list, devices: list.devices.filter(one => one.address !== "0000:03:00.0") });
        await tab.clock.fastForward(5000);
        await details(tab).getByRole("heading", { name: "It is not there" }).waitFor();
    }],
    ["vms: unregister", async env => {
        const { tab } = env;
        const { host, vmx } = await one(env);
        host.answer("vm-unregister", example("failure"), { status: 1 });
        const unregister = async button => {
            await details(tab).getByRole("button", { name: "Unregister" }).click();
            await dialog(tab).getByText("stays as it is").waitFor();
            await dialog(tab).getByRole("button", { name: button }).click();
            await dialog(tab).waitFor({ state: "hidden" });
        };
        await unregister("Cancel");
        assert.ok(!host.calls().some(words => words[2] === "unregister"), "it did not wait for the answer");
        await unregister("Unregister");
        await details(tab).getByText(example("failure").diagnostics[0].message).waitFor();
        // A captured host keeps paths beneath its folder, which the page does not know.
        host.answer("vm-unregister", { changed: true, vms: [], diagnostics: [] }, { hold: true });
        await unregister("Unregister");
        await details(tab).getByText(example("failure").diagnostics[0].message).waitFor({ state: "hidden" }); // before it is answered
        await host.release("vm-unregister");
        host.write("etc/directpath/vms.json", '{"version":1,"vms":[]}');
        await tab.getByRole("heading", { name: "No virtual machine" }).waitFor();
        assert.deepEqual(host.calls().findLast(words => words[2] === "unregister"), ["--json", "vm", "unregister", "--", vmx]);
    }],
];
