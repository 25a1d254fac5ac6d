// SPDX-License-Identifier: GPL-2.0-or-later
// The page end to end: a browser on this machine, a login through Cockpit in the Debian host, a device and a VM by clicks.
//
//     lab/run --topology debian --timeout 3600 --forward 9090 --beside "/usr/bin/node tests/lab/page.mjs" \
//         -- /usr/bin/python3 /tree/tests/lab/page_host.py
//
// Prints TAP; the tests run in their order and go on after one that has failed. Screenshots are in build/page-lab.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const tree = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(path.join(tree, "cockpit/package.json"))("playwright-core");

const out = process.env.DIRECTPATH_OUT;
const origin = `https://127.0.0.1:${process.env.DIRECTPATH_FORWARDED}`;
const shots = path.join(tree, "build/page-lab");
const PATIENCE_MS = 240_000; // each step of the emulated host, on a busy machine: a login starts half a dozen programs

const ROOT_DISK = "0000:01:00.0";
const NIC = "0000:02:00.0";
const DISK = "0000:03:00.0";
const VMX = "/vmfs/volumes/lab/passthru/passthru.vmx";
const SERIAL = "/vmfs/volumes/lab/passthru/serial0.txt";

// Asks tests/lab/page_host.py for a command in the host: {status, out, err}.
let asked = 0;
async function host(...command) {
    const number = ++asked;
    fs.writeFileSync(path.join(out, `.ask-${number}`), JSON.stringify(command));
    fs.renameSync(path.join(out, `.ask-${number}`), path.join(out, `ask-${number}`));
    const answer = path.join(out, `answer-${number}`);
    await until(`the answer to ${command.join(" ")}`, () => fs.existsSync(answer), 600_000);
    return JSON.parse(fs.readFileSync(answer, "utf8"));
}

async function until(what, condition, limit_ms = PATIENCE_MS) {
    const deadline = Date.now() + limit_ms;
    while (!(await condition())) {
        assert.ok(Date.now() < deadline, `waited ${limit_ms / 1000} s in vain for ${what}`);
        await sleep(200);
    }
}

async function driver(address) {
    const { out: link } = await host("readlink", `/sys/bus/pci/devices/${address}/driver`);
    return path.basename(link.trim());
}

async function store() {
    return (await host("cat", "/etc/directpath/esx.conf")).out;
}

async function vmState() {
    const { out: status } = await host("directpath", "--json", "vm", "status", VMX);
    return JSON.parse(status).state;
}

async function shot({ page }, name) {
    await page.screenshot({ path: path.join(shots, `${name}.png`) });
}

const { passwords } = JSON.parse(fs.readFileSync(path.join(out, "ready"), "utf8"));
fs.rmSync(shots, { recursive: true, force: true });
fs.mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: "/usr/bin/chromium", // whose own sandbox does not work for root
    args: ["--disable-gpu", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});

// A session of its own of @user, through Cockpit's login page: {page: the whole window, frame: what is in it of ours}.
async function login(user) {
    // The host makes a certificate for itself, which nobody has signed.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(PATIENCE_MS);
    context.setDefaultNavigationTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("pageerror", error => {
        if (/\/directpath\//.test(error.stack ?? ""))
            errors.push(`${user}: ${error.stack}`);
    });
    const session = { page, frame: page.frameLocator('iframe[name="cockpit1:localhost/directpath"]') };
    windows.set(user, session);
    await page.goto(`${origin}/directpath`);
    await page.locator("#login-user-input").fill(user);
    await page.locator("#login-password-input").fill(passwords[user]);
    await shot(session, `${user}-login`);
    await page.locator("#login-button").click();
    await page.locator("#super-user-indicator").getByText("Limited access").waitFor();
    await row(session, ROOT_DISK).waitFor();
    sessions[user] = session;
    return session;
}

// Cockpit's own switch, with the user's password; the dialog that is there in the end.
async function askForAdministration({ page }, user) {
    await page.locator("#super-user-indicator").getByText("Limited access").click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("input[type=password]").fill(passwords[user]);
    await dialog.getByRole("button", { name: "Authenticate" }).click();
    return dialog;
}

const row = ({ frame }, address) => frame.getByRole("row", { name: new RegExp(address.replaceAll(".", "\\.")) });
const dialogOf = ({ frame }) => frame.getByRole("dialog");

async function openTab({ frame }, name) {
    await frame.getByRole("tab", { name }).click();
}

async function openDevice(session, address) {
    await openTab(session, "PCI devices");
    await session.frame.getByRole("textbox", { name: "Search" }).fill(address);
    await row(session, address).click();
    await session.frame.getByRole("region", { name: `Details of ${address}` }).getByRole("heading", { name: "BARs" }).waitFor();
}

async function waitForState(session, address, word) {
    await row(session, address).getByText(word).waitFor();
}

// Presses @verb in the dialog that it has opened, and waits until the change is done; what the dialog said stays in a picture.
async function change(session, verb, name) {
    const dialog = dialogOf(session);
    await dialog.getByRole("heading", { name: "Plan" }).waitFor();
    await shot(session, `${name}-plan`);
    await dialog.getByRole("button", { name: verb }).click();
    const close = dialog.getByText("Close", { exact: true });
    await until(`the end of ${verb}`, async () => (await dialog.count()) === 0 || (await close.count()) > 0);
    await shot(session, `${name}-done`);
    if ((await close.count()) > 0) {
        await dialog.getByRole("heading", { name: /Done$/ }).waitFor();
        await close.click();
    }
    await dialog.waitFor({ state: "detached" });
}

async function openVm(session) {
    await openTab(session, "Virtual machines");
    await session.frame.getByRole("button", { name: "RHEL3" }).click();
    return session.frame.getByRole("region", { name: "Details of RHEL3" });
}

async function waitForVm(session, word, state) {
    await session.frame.getByRole("row", { name: /passthru\.vmx/ }).getByText(word, { exact: true }).waitFor();
    assert.equal(await vmState(), state);
}

const sessions = {}; // who has logged in
const windows = new Map(); // and who has tried to

const tests = [
    ["a user without privileges logs in and sees the devices", async () => {
        const visitor = await login("visitor");
        await openDevice(visitor, DISK);
        await visitor.frame.getByRole("heading", { name: "Limited access" }).waitFor();
        await shot(visitor, "visitor-devices");
    }],
    ["and is refused a change by Cockpit, before the program is asked", async () => {
        const { visitor } = sessions;
        await visitor.frame.getByRole("button", { name: "Enable passthrough" }).click();
        const dialog = dialogOf(visitor);
        await dialog.getByRole("heading", { name: "Plan" }).waitFor();
        await dialog.getByRole("button", { name: "Enable passthrough" }).click();
        await dialog.getByRole("heading", { name: "Cockpit refused this: nothing was changed" }).waitFor();
        await shot(visitor, "visitor-refused");
        assert.equal(await driver(DISK), "nvme");
        assert.doesNotMatch(await store(), /passthru/);
    }],
    ["nor gets administrative access of Cockpit", async () => {
        const { visitor } = sessions;
        await visitor.page.keyboard.press("Escape");
        const dialog = await askForAdministration(visitor, "visitor");
        await dialog.getByText("Problem becoming administrator").waitFor();
        await dialog.getByText("not in the sudoers file").waitFor();
        await shot(visitor, "visitor-no-administrator");
        await dialog.getByText("Close", { exact: true }).click();
        await dialog.waitFor({ state: "detached" });
        await visitor.page.locator("#super-user-indicator").getByText("Limited access").waitFor();
        await visitor.page.context().close();
        windows.delete("visitor");
    }],
    ["an administrator logs in and takes administrative access", async () => {
        const admin = await login("admin");
        await admin.frame.getByRole("heading", { name: "Limited access" }).waitFor();
        const dialog = await askForAdministration(admin, "admin");
        await until("administrative access", async () => (await dialog.count()) === 0 ||
            (await dialog.getByText("You now have administrative access").count()) > 0);
        if ((await dialog.count()) > 0)
            await dialog.getByText("Close", { exact: true }).click();
        await admin.page.locator("#super-user-indicator").getByText("Administrative access").waitFor();
        await admin.frame.getByRole("heading", { name: "Limited access" }).waitFor({ state: "detached" });
    }],
    ["what the host would lose is unavailable", async () => {
        const { admin } = sessions;
        await openDevice(admin, ROOT_DISK);
        await waitForState(admin, ROOT_DISK, "Unavailable");
        await admin.frame.getByText("sda, which holds / (ext4)").first().waitFor();
        await shot(admin, "root-disk");
    }],
    ["a disk is enabled by clicks", async () => {
        const { admin } = sessions;
        await openDevice(admin, DISK);
        await waitForState(admin, DISK, "Available");
        await admin.frame.getByRole("button", { name: "Enable passthrough" }).click();
        await change(admin, "Enable passthrough", "enable-disk");
        await waitForState(admin, DISK, "Active");
        assert.equal(await driver(DISK), "vfio-pci");
        assert.match(await store(), /003:00\.0\/owner = "passthru"/);
    }],
    ["a network card is enabled for a time, and kept", async () => {
        const { admin } = sessions;
        await openDevice(admin, NIC);
        await admin.frame.getByRole("button", { name: "Enable passthrough" }).click();
        await dialogOf(admin).getByLabel("Seconds until it is taken back").fill("900");
        await change(admin, "Enable passthrough", "enable-network");
        await admin.frame.getByRole("heading", { name: /Enabled for now.*taken back in \d+ s/ }).waitFor();
        assert.equal(await driver(NIC), "vfio-pci");
        await shot(admin, "enable-network-armed");
        await admin.frame.getByRole("button", { name: "Keep the change" }).click();
        await admin.frame.getByRole("button", { name: "Keep the change" }).waitFor({ state: "detached" });
        await waitForState(admin, NIC, "Active");
        assert.equal(await driver(NIC), "vfio-pci");
        assert.match(await store(), /002:00\.0\/owner = "passthru"/);
    }],
    ["the sample VM is registered by clicks", async () => {
        const { admin } = sessions;
        await openTab(admin, "Virtual machines");
        await admin.frame.getByRole("button", { name: "Register a VM" }).click();
        await dialogOf(admin).getByLabel("File of the VM on this host").fill(VMX);
        await dialogOf(admin).getByRole("button", { name: "Register" }).click();
        await dialogOf(admin).waitFor({ state: "detached" });
        await openVm(admin);
        await waitForVm(admin, "Off", "off");
        await shot(admin, "vm-registered");
    }],
    ["it is powered on by a click", async () => {
        const { admin } = sessions;
        const details = await openVm(admin);
        await details.getByRole("button", { name: "Power on" }).click();
        await waitForVm(admin, "Running", "running");
        await shot(admin, "vm-running");
    }],
    ["its devices are seen in use", async () => {
        const { admin } = sessions;
        for (const address of [NIC, DISK]) {
            await openDevice(admin, address);
            await waitForState(admin, address, "In use by RHEL3");
        }
        await admin.frame.getByRole("textbox", { name: "Search" }).fill("");
        await row(admin, NIC).waitFor();
        await shot(admin, "in-use");
    }],
    ["a device in use is not given back", async () => {
        const { admin } = sessions;
        await admin.frame.getByRole("button", { name: "Disable passthrough" }).click();
        await dialogOf(admin).getByText("This is refused, for these reasons").waitFor();
        await shot(admin, "disable-refused");
        await dialogOf(admin).getByRole("button", { name: "Cancel" }).click();
        assert.equal(await driver(DISK), "vfio-pci");
    }],
    ["the guest uses them, and their interrupts are counted", async () => {
        const { admin } = sessions;
        const said = async () => (await host("cat", SERIAL)).out;
        await until("the guest's tasks", async () => /=== guest done/.test(await said()), 480_000);
        assert.match(await said(), /=== nvme end 0/);
        const details = await openVm(admin);
        await until("interrupts", async () => {
            const text = await details.getByRole("grid", { name: "Passed-through devices" }).innerText();
            return (text.match(/MSI-X, [1-9][\d,]* came/g) ?? []).length === 2;
        });
        await shot(admin, "vm-interrupts");
    }],
    ["it is asked to shut down, and does", async () => {
        const { admin } = sessions;
        const details = await openVm(admin);
        await details.getByRole("button", { name: "Shut down" }).click();
        await waitForVm(admin, "Off", "off");
        assert.match((await host("cat", SERIAL)).out, /reboot: Power down/);
        await shot(admin, "vm-off");
    }],
    ["powered on again it is powered off, after a question", async () => {
        const { admin } = sessions;
        const details = await openVm(admin);
        await details.getByRole("button", { name: "Power on" }).click();
        await waitForVm(admin, "Running", "running");
        await details.getByRole("button", { name: "Power off" }).click();
        await dialogOf(admin).getByRole("heading", { name: "Power off?" }).waitFor();
        await shot(admin, "vm-power-off");
        await dialogOf(admin).getByRole("button", { name: "Power off" }).click();
        await waitForVm(admin, "Off", "off");
    }],
    ["both devices are disabled by clicks and are the host's again", async () => {
        const { admin } = sessions;
        for (const [address, name] of [[DISK, "nvme"], [NIC, "e1000e"]]) {
            await openDevice(admin, address);
            await waitForState(admin, address, "Active");
            await admin.frame.getByRole("button", { name: "Disable passthrough" }).click();
            await change(admin, "Disable passthrough", `disable-${name}`);
            await waitForState(admin, address, "Available");
            assert.equal(await driver(address), name);
        }
        assert.doesNotMatch(await store(), /passthru/);
        await shot(admin, "end");
    }],
    ["the page had no error of its own", async () => {
        assert.deepEqual(errors, []);
    }],
];

const errors = [];
let failed = 0;
console.log(`1..${tests.length}`);
for (const [position, [title, test]] of tests.entries()) {
    const start = Date.now();
    try {
        await test();
        console.log(`ok ${position + 1} - ${title} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
        failed += 1;
        for (const [user, session] of windows) {
            await shot(session, `failed-${position + 1}-${user}`).catch(() => undefined);
            await session.page.keyboard.press("Escape").catch(() => undefined); // a dialog is in the way of what comes next
        }
        console.log(String(error.stack ?? error).replace(/^/gm, "# "));
        console.log(`not ok ${position + 1} - ${title}`);
    }
}
await browser.close();
process.exit(failed ? 1 : 0);
