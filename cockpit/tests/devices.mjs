// SPDX-License-Identifier: GPL-2.0-or-later
// PCI devices: what is shown, and the change of owners.
import assert from "node:assert/strict";
import { example, until } from "./harness.mjs";

const row = (tab, address) => tab.getByRole("row", { name: new RegExp(address.replaceAll(".", "\\.")) });
const dialog = tab => tab.getByRole("dialog");
/** In the list of devices of Edit. */
const boxOf = (tab, address) => dialog(tab).getByRole("checkbox", { name: new RegExp(`^${address}`) });
const RUNNING = {
    "run/directpath/vm/0123456789abcdef/state.json": JSON.stringify({
        version: 1, id: "0123456789abcdef", name: "web", vmx: "/vmfs/volumes/store/web/web.vmx", accel: "kvm",
        started: "2026-11-21T02:24:31Z", vnc: null, uid: 1893728256, phase: "running", starter: { pid: 0, start: 0 },
        supervisor: { pid: 0, start: 0 }, engine: { pid: 0, start: 0 }, memory: 536870912, memlock: 1073741824, vmx_sum: null,
        functions: [{
            name: "0000:03:00.0", index: 0, slot: 160, group: 6, msi_enabled: true, reset: "flr", saved: true, node_uid: 0,
            node_gid: 0, node_mode: 384,
        }],
    }),
};

export async function open({ tab, hostOf }, capture, { files = {}, path = "", prepare = () => undefined } = {}) {
    const host = await hostOf("root");
    host.capture(capture, files);
    await prepare(host);
    await tab.goto(host.url(path));
    await tab.getByRole("tab", { name: "PCI devices" }).waitFor();
    return host;
}

export const tests = [
    ["devices: every state has its icon and its word", async env => {
        const { tab, shoot } = env;
        await open(env, "lab-enabled", {
            files: RUNNING,
            // Marked, and the host's driver still has it.
            prepare: host => host.write("etc/directpath/esx.conf", host.read("etc/directpath/esx.conf") + '/device/006:00.1/owner = "passthru"\n'),
        });
        for (const [address, word, style] of [
            ["0000:03:00.0", "In use by web", "in-use"], ["0000:04:00.0", "Active", "active"], ["0000:05:01.0", "Available", "available"],
            ["0000:02:00.0", "Unavailable", "unavailable"], ["0000:06:00.1", "Reboot required", "reboot-required"]]) {
            const state = row(tab, address).locator(`.dp-state-${style}`);
            assert.equal(await state.innerText(), word);
            assert.ok(await state.locator("svg").first().isVisible(), `${word} has no icon`);
        }
        await tab.getByRole("heading", { name: "Reboot required" }).waitFor();
        assert.match(await tab.locator(".dp-banner").innerText(), /0000:06:00\.1.*stored\s+for passthrough[\s\S]*device apply, or reboot the host/);
        await shoot("devices");
    }],
    ["devices: both notations, ids, host's user and group", async env => {
        await open(env, "lab-enabled");
        await row(env.tab, "0000:02:00.0").waitFor();
        const cells = await row(env.tab, "0000:02:00.0").getByRole("gridcell").allInnerTexts();
        assert.deepEqual(cells, ["Intel Corporation 82574L Gigabit Network Connection", "8086:10d3", "0000:02:00.0 002:00.0", "e1000e: eth0", "4", "Unavailable"]);
    }],
    ["devices: a tree by bridge and by IOMMU group", async env => {
        const { tab, shoot } = env;
        await open(env, "lab");
        const bridge = row(tab, "0000:00:07.0");
        await bridge.waitFor();
        assert.equal(await bridge.getAttribute("aria-level"), "1");
        assert.equal(await row(tab, "0000:05:01.0").getAttribute("aria-level"), "2");
        await bridge.click();
        await row(tab, "0000:05:01.0").waitFor({ state: "hidden" });
        assert.equal(await bridge.getAttribute("aria-expanded"), "false");
        await tab.getByRole("combobox", { name: "Order" }).selectOption("By IOMMU group");
        await row(tab, "IOMMU group 11").waitFor();
        assert.match(await row(tab, "IOMMU group 11").innerText(), /its functions go together\s*2 functions/);
        await shoot("devices-by-group");
    }],
    ["devices: filter and search", async env => {
        const { tab, shoot } = env;
        await open(env, "lab");
        await row(tab, "0000:05:01.0").waitFor();
        await tab.getByRole("textbox", { name: "Search" }).fill("8086 eth3");
        await row(tab, "0000:02:00.0").waitFor({ state: "hidden" });
        await row(tab, "0000:05:01.0").waitFor();
        await row(tab, "0000:00:07.0").waitFor(); // what it is below of
        await tab.getByText("1 of 14").waitFor();
        await tab.getByRole("combobox", { name: "State" }).selectOption("Active");
        await tab.getByRole("heading", { name: "Nothing is found" }).waitFor();
        await shoot("devices-nothing-found");
        await tab.getByRole("button", { name: "Clear the filter" }).click();
        await tab.getByText("14 of 14").waitFor();
    }],
    ["devices: the tree is walked by keyboard", async env => {
        const { tab } = env;
        await open(env, "lab");
        await row(tab, "0000:01:00.0").waitFor();
        const focused = () => tab.evaluate(() => document.activeElement?.dataset.id ?? null);
        await tab.getByRole("button", { name: "Edit" }).focus();
        await tab.keyboard.press("Tab");
        for (let n = 0; n < 3 && await focused() === null; n++)
            await tab.keyboard.press("Tab");
        const first = await focused();
        assert.notEqual(first, null);
        await tab.keyboard.press("End");
        const last = await focused();
        assert.notEqual(last, first);
        await tab.keyboard.press("Home");
        assert.equal(await focused(), first);
        await row(tab, "0000:00:07.0").focus();
        await tab.keyboard.press("ArrowLeft");
        await row(tab, "0000:05:01.0").waitFor({ state: "hidden" });
        await tab.keyboard.press("ArrowRight");
        await tab.keyboard.press("ArrowDown");
        assert.equal(await focused(), "0000:05:01.0");
        await tab.keyboard.press("Enter");
        await tab.getByRole("region", { name: "Details of 0000:05:01.0" }).waitFor();
        await tab.keyboard.press("ArrowLeft");
        assert.equal(await focused(), "bridge 0000:00:07.0");
    }],
    ["devices: details say everything of a function", async env => {
        const { tab, shoot } = env;
        await open(env, "lab", { path: "devices/0000:05:01.0" });
        const pane = tab.getByRole("region", { name: "Details of 0000:05:01.0" });
        await pane.getByRole("heading", { name: "BARs" }).waitFor();
        const text = await pane.innerText();
        for (const part of ["005:01.0 (in a VMX: 00000:005:01.0)", "0000:00:07.0 \u203a 0000:05:01.0", "Function Level Reset", "of the bus", "Interrupt line", "MSI-X", "NUMA node", "memory"])
            assert.ok(text.includes(part), `no ${part} in ${text}`);
        const unit = await pane.getByRole("grid", { name: "Unit" }).innerText();
        assert.match(unit, /0000:05:01\.0[\s\S]*the function itself[\s\S]*0000:05:02\.0[\s\S]*, with 0000:05:01\.0/);
        await shoot("device-details");
        await tab.getByRole("textbox", { name: "Search" }).fill("0000:02:00.0");
        await row(tab, "0000:02:00.0").click();
        const other = tab.getByRole("region", { name: "Details of 0000:02:00.0" });
        await other.getByText("is eth0, which carries the default route").first().waitFor();
        assert.match(await other.innerText(), /Remedy\s+move the default route to an interface of another function/);
        await shoot("device-details-unavailable");
    }],
    ["enable: what comes along, the plan, and then it is stored", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { path: "devices/0000:05:01.0" });
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByText("cannot be split").waitFor();
        const given = await dialog(tab).getByRole("grid", { name: "Functions to be enabled" }).innerText();
        assert.match(given, /0000:05:01\.0[\s\S]*e1000: eth3[\s\S]*chosen[\s\S]*0000:05:02\.0[\s\S]*8139cp: eth4[\s\S]*comes along/);
        await dialog(tab).getByRole("checkbox", { name: "Take it back unless I confirm it in time" }).uncheck();
        await dialog(tab).getByText("store owner 0000:05:02.0: passthru").waitFor();
        assert.equal(host.read("etc/directpath/esx.conf"), null, "something was stored before it was asked for");
        await shoot("enable-plan");
        await dialog(tab).getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByRole("heading", { name: /Reboot required/ }).waitFor();
        await shoot("enable-done"); await env.axe("enable-done");
        await dialog(tab).getByText("Close", { exact: true }).click();
        assert.match(host.read("etc/directpath/esx.conf"), /005:01\.0.*passthru[\s\S]*005:02\.0.*passthru/);
        assert.deepEqual(host.calls().filter(words => words.includes("enable") && !words.includes("--dry-run")),
                         [["--json", "device", "enable", "--with-unit", "--", "0000:05:01.0"]]);
        await row(tab, "0000:05:02.0").getByText("Reboot required").waitFor();
        await tab.getByRole("button", { name: "Disable passthrough" }).waitFor();
    }],
    ["enable: a refusal is told in words, and nothing can be done", async env => {
        const { tab, shoot } = env;
        await open(env, "lab", { path: "devices/0000:02:00.0" });
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByText("This is refused, for these reasons").waitFor();
        await dialog(tab).getByText("is eth0, which carries the default route").waitFor();
        await dialog(tab).getByText("move the default route to an interface of another function").waitFor();
        assert.ok(await dialog(tab).getByRole("button", { name: "Enable passthrough" }).isDisabled());
        await shoot("enable-refused");
        await tab.keyboard.press("Escape");
        await dialog(tab).waitFor({ state: "hidden" });
    }],
    ["disable: the plan, and what comes before the card is taken out", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab-enabled", { path: "devices/0000:03:00.0" });
        await tab.getByRole("button", { name: "Disable passthrough" }).click();
        await dialog(tab).getByText("What the host gets back").waitFor();
        await dialog(tab).getByText(/store owner 0000:03:00\.0/).waitFor();
        await dialog(tab).getByRole("button", { name: "Disable passthrough" }).click();
        await dialog(tab).getByRole("heading", { name: "Before a card is taken out" }).waitFor();
        await shoot("disable-done");
        assert.doesNotMatch(host.read("etc/directpath/esx.conf"), /003:00\.0.*passthru/);
        await dialog(tab).getByText("Close", { exact: true }).click();
    }],
    ["disable: the others of the unit come along, as the dialog says", async env => {
        const { tab } = env;
        const marked = '/device/005:01.0/owner = "passthru"\n/device/005:02.0/owner = "passthru"\n';
        const host = await open(env, "lab-enabled", { path: "devices/0000:05:01.0", prepare: on =>
            on.write("etc/directpath/esx.conf", on.read("etc/directpath/esx.conf") + marked) });
        await tab.getByRole("button", { name: "Disable passthrough" }).click();
        const hit = dialog(tab).getByRole("grid", { name: "Functions to be disabled" });
        assert.match(await hit.innerText(), /0000:05:01\.0[\s\S]*chosen[\s\S]*0000:05:02\.0[\s\S]*comes along/);
        await dialog(tab).getByText("store owner 0000:05:02.0").waitFor();
        await dialog(tab).getByRole("button", { name: "Disable passthrough" }).click();
        await dialog(tab).getByText("Close", { exact: true }).click();
        assert.deepEqual(host.calls().findLast(words => words.includes("disable")), ["--json", "device", "disable", "--with-unit", "--", "0000:05:01.0"]);
        assert.doesNotMatch(host.read("etc/directpath/esx.conf"), /005:0[12]\.0.*passthru/, "one of the unit stays behind");
    }],
    ["edit: a list of devices, as vSphere's", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab");
        await row(tab, "0000:05:01.0").waitFor();
        await tab.getByRole("button", { name: "Edit" }).click();
        const box = address => boxOf(tab, address);
        await box("0000:05:02.0").check();
        assert.ok(await box("0000:05:01.0").isChecked(), "the other one of the unit does not come along");
        await box("0000:05:01.0").uncheck();
        assert.ok(!await box("0000:05:02.0").isChecked());
        await box("0000:06:00.1").check();
        await dialog(tab).getByText("store owner 0000:06:00.1: passthru").waitFor();
        await shoot("edit");
        await dialog(tab).getByRole("button", { name: "Apply" }).click();
        await dialog(tab).getByText("Close", { exact: true }).click();
        assert.match(host.read("etc/directpath/esx.conf"), /006:00\.1.*passthru/);
        assert.doesNotMatch(host.read("etc/directpath/esx.conf"), /005:0/);
    }],
    ["edit: some come and some go", async env => {
        const { tab } = env;
        const host = await open(env, "lab-enabled");
        await row(tab, "0000:03:00.0").waitFor();
        await tab.getByRole("button", { name: "Edit" }).click();
        const box = address => boxOf(tab, address);
        const apply = dialog(tab).getByRole("button", { name: "Apply" });
        await box("0000:03:00.0").uncheck();
        await box("0000:02:00.0").check();
        await dialog(tab).getByText("This is refused, for these reasons").waitFor();
        assert.ok(await apply.isDisabled(), "half a plan can be applied");
        await box("0000:02:00.0").uncheck();
        await box("0000:06:00.1").check();
        await dialog(tab).getByText("store owner 0000:06:00.1: passthru").waitFor();
        await dialog(tab).getByText("store owner 0000:03:00.0").waitFor();
        host.answer("device-disable", example("failure"), { status: 1 });
        await apply.click();
        await dialog(tab).getByRole("heading", { name: "Done in part" }).waitFor();
        await dialog(tab).getByText("Enabled: 0000:06:00.1. Not disabled: 0000:03:00.0.").waitFor();
        assert.match(host.read("etc/directpath/esx.conf"), /006:00\.1.*passthru/);
    }],
    ["edit: the second part has no answer, and the first is not forgotten", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab-enabled");
        await row(tab, "0000:03:00.0").waitFor();
        await tab.getByRole("button", { name: "Edit" }).click();
        const box = address => boxOf(tab, address);
        await box("0000:03:00.0").uncheck();
        await box("0000:06:00.1").check();
        await dialog(tab).getByText("store owner 0000:03:00.0").waitFor();
        host.answer("device-disable", undefined, { kill: true });
        await dialog(tab).getByRole("button", { name: "Apply" }).click();
        await dialog(tab).getByRole("heading", { name: "Done in part" }).waitFor();
        await dialog(tab).getByText("Enabled: 0000:06:00.1. Disabled, or not: 0000:03:00.0.").waitFor();
        await dialog(tab).getByRole("heading", { name: "Directpath was ended by force" }).waitFor();
        assert.equal(await dialog(tab).getByText("nothing was changed").count(), 0);
        assert.match(host.read("etc/directpath/esx.conf"), /006:00\.1.*passthru/);
        await shoot("edit-halfway"); await env.axe("edit-halfway");
    }],
    ["network devices: taken back unless confirmed", async env => {
        const { tab, shoot } = env;
        const plan = { ...example("device-change"), changed: false, dry_run: true };
        const host = await open(env, "lab", { path: "devices/0000:04:00.0", prepare: on => {
            on.answer("device-enable-dry-run", plan);
            on.answer("device-enable", { ...example("device-change"), confirm_within: 60 }, { hold: true });
        } });
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByRole("heading", { name: "Plan" }).waitFor();
        const status = { ...host.ask("host", "status"), armed: { devices: ["0000:04:00.0"], seconds: 60, seconds_left: 57, overrides: [] } };
        const field = dialog(tab).getByLabel("Seconds until it is taken back");
        const asked = host.calls().filter(words => words.includes("--dry-run")).length;
        await field.focus();
        await tab.keyboard.press("Control+A");
        await tab.keyboard.press("Delete");
        for (const key of "120")
            await tab.keyboard.press(key);
        assert.equal(await field.inputValue(), "120", "what is typed does not arrive");
        assert.ok(await field.evaluate(one => one === document.activeElement), "the field has lost the keyboard");
        assert.equal(host.calls().filter(words => words.includes("--dry-run")).length, asked, "each key makes a plan");
        for (const [text, becomes] of [["99999", "3600"], ["3", "10"], ["", "60"], ["90", "90"]]) {
            await field.fill(text);
            await field.blur();
            assert.equal(await field.inputValue(), becomes);
        }
        await shoot("enable-network");
        await dialog(tab).getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByText("Changing the owner").first().waitFor();
        await shoot("enable-progress");
        host.answer("host-status", status);
        await host.release("device-enable");
        await dialog(tab).waitFor({ state: "hidden" });
        assert.deepEqual(host.calls().filter(words => words.includes("enable") && !words.includes("--dry-run")),
                         [["--json", "device", "enable", "--with-unit", "--confirm-within", "90", "--", "0000:04:00.0"]]);
        await tab.getByRole("heading", { name: /taken back in 5\d s/ }).waitFor();
        await tab.getByRole("heading", { name: /taken back in 5[0-5] s/ }).waitFor(); // it counts
        await shoot("armed"); await env.axe("armed");
        host.answer("device-confirm", { ...example("device-change"), steps: [] }, { wait: 2 });
        await tab.getByRole("button", { name: "Keep the change" }).click();
        host.answer("host-status", { ...status, armed: null });
        await tab.getByRole("heading", { name: /taken back in/ }).waitFor({ state: "hidden" });
        await tab.getByRole("heading", { name: "Kept: the change stays" }).waitFor();
        assert.ok(host.calls().some(words => words.join(" ") === "--json device confirm"));
    }],
    ["network devices: how the countdown ends is said, also when a confirmation comes too late", async env => {
        const { tab, shoot } = env;
        const armed = { devices: ["0000:04:00.0"], seconds: 60, seconds_left: 40, overrides: [] };
        let free = null;
        const host = await open(env, "lab", { prepare: on => {
            free = on.ask("host", "status");
            on.answer("host-status", { ...free, armed });
        } });
        const heading = name => tab.getByRole("heading", { name });
        const again = async () => {
            host.answer("host-status", { ...free, armed });
            await tab.reload();
            await heading(/taken back in/).waitFor();
        };
        await heading(/taken back in/).waitFor();
        host.answer("host-status", free); // nobody said anything
        await heading("Taken back").waitFor();
        await heading(/taken back in/).waitFor({ state: "hidden" });
        await shoot("armed-expired");
        await tab.getByRole("button", { name: "Dismiss" }).click();
        await heading("Taken back").waitFor({ state: "hidden" });
        await again();
        const late = { ...example("failure").diagnostics[0], id: "DP2055", message: "it is too late to confirm" };
        host.answer("device-confirm", { diagnostics: [late] }, { status: 1, wait: 1 });
        await tab.getByRole("button", { name: "Keep the change" }).click();
        host.answer("host-status", free);
        await heading("The change was not kept").waitFor();
        await tab.getByText(late.message).waitFor();
        await heading("Taken back").waitFor();
        await shoot("armed-too-late"); await env.axe("armed-too-late");
        assert.ok(await tab.getByText(late.message).isVisible(), "what was refused is gone");
        await again();
        host.answer("device-disable", { ...example("device-change"), steps: [] }, { hold: true });
        await tab.getByRole("button", { name: "Take it back now" }).click();
        await host.held("device-disable");
        host.answer("host-status", free);
        await host.release("device-disable");
        await heading("Taken back").waitFor();
        assert.deepEqual(host.calls().findLast(words => words.includes("disable")), ["--json", "device", "disable", "--with-unit", "--", "0000:04:00.0"]);
        assert.equal(await heading(/was not/).count(), 0);
    }],
    ["changes that failed, or were done in part, say so", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { path: "devices/0000:03:00.0" });
        for (const [status, title] of [[1, "Refused: nothing was changed"], [3, "It failed"], [4, "Done in part"]]) {
            host.answer("device-enable", example("failure"), { status });
            await tab.getByRole("button", { name: "Enable passthrough" }).click();
            await dialog(tab).getByRole("button", { name: "Enable passthrough" }).click();
            await dialog(tab).getByRole("heading", { name: title }).waitFor();
            await dialog(tab).getByText(example("failure").diagnostics[0].remedy).waitFor();
            await shoot(`enable-status-${status}`);
            await dialog(tab).getByText("Close", { exact: true }).click();
        }
        host.answer("device-enable", undefined, { kill: true });
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByRole("heading", { name: "Directpath was ended by force" }).waitFor();
        await dialog(tab).getByText("The change may have happened").waitFor();
        assert.equal(await dialog(tab).getByText("different versions").count(), 0);
        await shoot("enable-killed");
        await env.axe("killed");
    }],
    ["a connection that is lost under a change: what is not known is said, and what is shown stays", async env => {
        const { tab, shoot } = env;
        const host = await open(env, "lab", { path: "devices/0000:03:00.0" });
        host.answer("device-enable", example("device-change"), { hold: true });
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog(tab).getByRole("button", { name: "Enable passthrough" }).click();
        await host.held("device-enable");
        host.cut();
        await dialog(tab).getByRole("heading", { name: "The connection to the host was lost" }).waitFor();
        await dialog(tab).getByText("The change may have happened").waitFor();
        await dialog(tab).getByText("Load this page again").waitFor();
        assert.equal(await dialog(tab).getByRole("heading", { name: "Done" }).count(), 0);
        await shoot("enable-lost"); await env.axe("lost");
        await dialog(tab).getByText("Close", { exact: true }).click();
        await tab.getByRole("heading", { name: "Not up to date" }).first().waitFor();
        assert.ok(await row(tab, "0000:03:00.0").first().isVisible(), "what was known is gone");
    }],
    ["a thousand functions: each is found, and reached by key and by wheel", async env => {
        const { tab, shoot } = env;
        const host = await env.hostOf("root");
        host.many(1000);
        await tab.goto(host.url());
        const all = host.ask("device", "list").devices;
        await tab.getByText(`${all.length} of ${all.length}`).waitFor();
        const made = () => tab.locator("tr.dp-device").count();
        assert.ok(await made() < all.length, "all rows were made at once");
        await shoot("devices-many");
        const last = all.at(-1).address;
        await tab.getByRole("textbox", { name: "Search" }).fill(last);
        await row(tab, last).waitFor();
        await tab.getByRole("textbox", { name: "Search" }).fill("");
        await row(tab, last).waitFor({ state: "hidden" });
        const before = await made();
        await tab.locator(".dp-upper").evaluate(element => element.scrollTo(0, element.scrollHeight));
        await until(tab, count => document.querySelectorAll("tr.dp-device").length > count, before);
        await tab.locator("tr.dp-device").first().focus();
        await tab.keyboard.press("End");
        await until(tab, address => document.activeElement?.dataset.id === address, last);
        assert.equal(await made(), all.length);
    }],
    ["live: what changes is shown, and rows are not made anew", async env => {
        const { tab } = env;
        const host = await open(env, "lab");
        await row(tab, "0000:03:00.0").waitFor();
        await tab.evaluate(() => document.querySelectorAll("tbody tr").forEach(one => { one.dataset.mine = "yes"; }));
        const mutated = await tab.evaluateHandle(() => {
            const seen = new Set();
            new MutationObserver(list => list.forEach(one => seen.add(one.target.parentElement?.closest("tr")?.dataset.id ?? one.target.closest?.("tr")?.dataset.id)))
                .observe(document.querySelector("tbody"), { subtree: true, childList: true, characterData: true, attributes: true });
            return seen;
        });
        host.ask("device", "enable", "0000:03:00.0");
        await row(tab, "0000:03:00.0").getByText("Reboot required").waitFor();
        assert.deepEqual(await mutated.evaluate(seen => [...seen]), ["0000:03:00.0"]);
        assert.equal(await tab.locator("tbody tr:not([data-mine])").count(), 0);
    }],
];
