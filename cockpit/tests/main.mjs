// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the tests of the page, one behind the other, and prints TAP: node main.mjs PAGE PROGRAM [NAME...]
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { axe, Host, launch, PATIENCE_MS } from "./harness.mjs";
import { tests as access } from "./access.mjs";
import { tests as consoles } from "./console.mjs";
import { tests as devices } from "./devices.mjs";
import { tests as host } from "./host.mjs";
import { tests as hostile } from "./hostile.mjs";
import { tests as states } from "./states.mjs";
import { tests as vms } from "./vms.mjs";

const LIMIT_MS = 300_000;
const [page, program, ...names] = process.argv.slice(2);
const screens = join(dirname(page), "page-screens");

if (process.getuid() !== 0) {
    console.log("1..1\nnot ok 1 - the page's tests need root: Cockpit's session is the user that runs them");
    process.exit(1);
}
const tests = [...devices, ...states, ...host, ...vms, ...consoles, ...hostile, ...access].filter(([name]) => names.length === 0 || names.some(part => name.includes(part)));
rmSync(screens, { recursive: true, force: true });
mkdirSync(screens, { recursive: true });

const hosts = {};
/** The console of a user, anew for each test: a local session ends when it is idle. */
async function hostOf(user) {
    await hosts[user]?.stop();
    hosts[user] = await new Host({ page, program, user: user === "root" ? null : user }).start();
    return hosts[user];
}

async function attempt(browser, name, run, options) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const tab = await context.newPage();
    const faults = [];
    tab.on("pageerror", error => faults.push(String(error)));
    tab.on("dialog", dialog => { faults.push(`a dialog of the browser: ${dialog.message()}`); void dialog.dismiss(); });
    const shoot = shot => tab.screenshot({ path: join(screens, `${shot}.png`) });
    let timer;
    try {
        const limit = new Promise((_done, fail) => { timer = setTimeout(() => fail(new Error(`still not done after ${LIMIT_MS} ms`)), LIMIT_MS); });
        await Promise.race([run({ tab, hostOf, shoot, axe: where => axe(tab, where), browser, screens }), limit]);
        if (faults.length > 0)
            throw new Error(faults.join("\n"));
        return null;
    } catch (error) {
        await shoot(`FAILED ${name.replaceAll(/\W+/g, "-")}`).catch(() => undefined);
        return error;
    } finally {
        clearTimeout(timer);
        await context.close();
    }
}

const browser = await launch();
let failed = 0;
console.log(`1..${tests.length}`);
for (const [index, [name, run, options = {}]] of tests.entries()) {
    const start = Date.now();
    const error = await attempt(browser, name, run, options);
    if (error !== null)
        console.log(String(error.stack).replaceAll(/\x1b\[\d+m/g, "").split("\n").slice(0, 30).map(line => `# ${line}`).join("\n"));
    console.log(`${error === null ? "ok" : "not ok"} ${index + 1} - ${name}`);
    console.log(`# ${Date.now() - start} ms`);
    failed += error === null ? 0 : 1;
}
await browser.close();
await Promise.all(Object.values(hosts).map(host => host.stop()));
process.exitCode = failed > 0 || tests.length === 0 ? 1 : 0;
