// SPDX-License-Identifier: GPL-2.0-or-later
// Who looks, and how: themes, narrow screens, screen readers, and users without privileges.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { open } from "./devices.mjs";
import { example, SAMPLE, until } from "./harness.mjs";

/** Every view and dialog, one behind the other. */
async function tour(env, theme, visit) {
    const { tab } = env;
    let vmx = "";
    await tab.addInitScript(style => localStorage.setItem("shell:style", style), theme);
    const host = await open(env, "lab-enabled", { prepare: on => {
        on.write("etc/directpath/esx.conf", on.read("etc/directpath/esx.conf") + '/device/006:00.1/owner = "passthru"\n');
        vmx = on.vm("RHEL3", SAMPLE.replaceAll("/vmfs/volumes/store/rhel3/", ""));
        on.answer("host-drift", example("host-drift"));
        on.answer("vm-status", { ...example("vm-status"), vmx });
    } });
    await tab.getByRole("row", { name: /0000:05:01\.0/ }).click();
    await tab.getByRole("heading", { name: "BARs" }).waitFor();
    await visit("devices");
    await tab.getByRole("button", { name: "Enable passthrough" }).click();
    await tab.getByRole("dialog").getByRole("heading", { name: "Plan" }).waitFor();
    await visit("enable");
    await tab.keyboard.press("Escape");
    await tab.getByRole("button", { name: "Edit" }).click();
    await tab.getByRole("dialog").getByRole("checkbox", { name: /^0000:02:00\.0/ }).check();
    await tab.getByRole("dialog").getByText("This is refused, for these reasons").waitFor();
    await visit("edit");
    await tab.keyboard.press("Escape");
    await tab.getByRole("tab", { name: "Host" }).click();
    await tab.getByRole("grid", { name: "Drift" }).waitFor();
    await visit("host");
    await tab.getByRole("tab", { name: "Virtual machines" }).click();
    await tab.getByRole("button", { name: "RHEL3" }).click();
    await tab.getByText(/^Key by key: /).click();
    await visit("vm");
    await tab.getByRole("button", { name: "Edit Settings" }).click();
    await tab.getByRole("dialog").getByLabel("Size in MB").waitFor();
    await visit("settings");
    return host;
}

export const tests = [
    ...["light", "dark"].map(theme => [`axe finds nothing serious, ${theme}`, async env => {
        await tour(env, theme, async where => {
            assert.equal(await env.tab.evaluate(() => document.documentElement.classList.contains("pf-v6-theme-dark")), theme === "dark");
            await env.axe(where);
            await env.shoot(`${theme}-${where}`);
        });
    }]),
    ["the theme is the console's, also while it changes", async env => {
        const { tab } = env;
        const dark = () => tab.evaluate(() => document.documentElement.classList.contains("pf-v6-theme-dark"));
        await tab.emulateMedia({ colorScheme: "dark" });
        await open(env, "lab");
        assert.equal(await dark(), true, "without a choice it is the system's");
        await tab.evaluate(() => window.dispatchEvent(new CustomEvent("cockpit-style", { detail: { style: "light" } })));
        assert.equal(await dark(), false);
        await tab.evaluate(() => window.dispatchEvent(new CustomEvent("cockpit-style", { detail: { style: "auto" } })));
        assert.equal(await dark(), true);
        await tab.emulateMedia({ colorScheme: "light" });
        await until(tab, () => !document.documentElement.classList.contains("pf-v6-theme-dark"));
        const other = await tab.context().newPage();
        await other.goto(tab.url());
        await other.evaluate(() => localStorage.setItem("shell:style", "dark"));
        await until(tab, () => document.documentElement.classList.contains("pf-v6-theme-dark"));
    }],
    ["a narrow screen: nothing is cut off", async env => {
        await tour(env, "light", async where => {
            const [wide, window] = await env.tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.ok(wide <= window, `${where}: ${wide} pixels on a screen of ${window}`);
            await env.shoot(`narrow-${where}`);
        });
    }, { viewport: { width: 390, height: 844 } }],
    ["an ordinary user sees, and cannot change: Cockpit refuses", async env => {
        const { tab, shoot } = env;
        const host = await env.hostOf("nobody");
        host.capture("ordinary-user");
        const vmx = host.vm("RHEL3", SAMPLE);
        await tab.goto(host.url("devices/0000:03:00.0"));
        await tab.getByRole("heading", { name: "Limited access" }).waitFor();
        await tab.getByRole("heading", { name: "BARs" }).waitFor();
        assert.match(await tab.getByRole("region", { name: "Details of 0000:03:00.0" }).innerText(), /unknown/);
        await shoot("user-devices"); await env.axe("user-devices");
        await tab.getByRole("button", { name: "Enable passthrough" }).click();
        await tab.getByRole("dialog").getByRole("heading", { name: "Plan" }).waitFor();
        await tab.getByRole("dialog").getByRole("button", { name: "Enable passthrough" }).click();
        await tab.getByRole("dialog").getByRole("heading", { name: "Cockpit refused this: nothing was changed" }).waitFor();
        await shoot("user-refused"); await env.axe("user-refused");
        await tab.keyboard.press("Escape");
        await tab.getByRole("tab", { name: "Virtual machines" }).click();
        await tab.getByRole("button", { name: "RHEL3" }).click();
        await tab.getByRole("button", { name: "Power on" }).click();
        await tab.getByRole("heading", { name: "Cockpit refused this: nothing was changed" }).waitFor();
        // The program was never asked to change anything.
        const changes = host.calls().filter(words => !words.includes("--dry-run") && /enable|power-on/.test(words.slice(1, 4).join(" ")));
        assert.deepEqual(changes, []);
        assert.equal(host.read("etc/directpath/esx.conf"), null);
        assert.equal(readFileSync(vmx, "utf8"), SAMPLE);
    }],
];
