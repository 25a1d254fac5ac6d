// SPDX-License-Identifier: GPL-2.0-or-later
// A captured host, a real cockpit-ws over it, and Chromium. What directpath is comes from the session's PATH: a wrapper
// that runs the real program on the captured host, or prints an answer that a test has prepared.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const DATA = join(ROOT, "tests/data");

/** A document as docs/json.md shows it. */
export const example = name => JSON.parse(readFileSync(join(ROOT, `docs/schema/examples/${name}.json`), "utf8"));
/** The seeds' machine with two passed-through functions of the host "lab-enabled". */
export const SAMPLE = readFileSync(join(ROOT, "tests/golden/vmx/two.vmx"), "utf8");

// Each step, on a machine that has other things to do.
export const PATIENCE_MS = 90_000;

// Words that are no options, joined by "-", name an answer: device-list.json, and its exit status: device-list.status.
// The next one that finds device-list.hold makes it device-list.held, and answers once that is gone.
const WRAPPER = `#!/bin/sh
base=@BASE@
name=
for word; do
    case $word in
    --) break ;;
    --dry-run) name=$name-dry-run ;;
    -* | [0-9]*) ;;
    *) name=\${name:+$name-}$word ;;
    esac
done
{ printf '%s\\t' "$@"; echo; } >>"$base/calls"
if [ -e "$base/answers/$name.json" ]; then exec 3<"$base/answers/$name.json"; fi
if [ -e "$base/answers/$name.hold" ] && mv "$base/answers/$name.hold" "$base/answers/$name.held" 2>/dev/null; then
    while [ -e "$base/answers/$name.held" ]; do sleep 0.1; done
fi
if [ -e "$base/answers/$name.wait" ]; then sleep "$(cat "$base/answers/$name.wait")"; fi
if [ -e "$base/answers/$name.kill" ]; then kill -s KILL $$; fi
if [ -e /dev/fd/3 ]; then
    cat <&3
    exit "$(cat "$base/answers/$name.status" 2>/dev/null || echo 0)"
fi
exec "$base/directpath" --root "$base/tree" "$@"
`;

async function freePort() {
    const server = createServer();
    await new Promise(done => server.listen(0, "127.0.0.1", done));
    const { port } = server.address();
    await new Promise(done => server.close(done));
    return port;
}

export class Host {
    /** user: null for who runs this. */
    constructor({ page, program, user = null }) {
        this.base = mkdtempSync(join(tmpdir(), "directpath-page-"));
        this.user = user;
        chmodSync(this.base, 0o755);
        for (const folder of ["bin", "answers", "home", "share/cockpit"])
            mkdirSync(join(this.base, folder), { recursive: true });
        cpSync(page, join(this.base, "share/cockpit/directpath"), { recursive: true });
        cpSync(program, join(this.base, "directpath"));
        writeFileSync(join(this.base, "calls"), "");
        this.install();
        if (user !== null)
            execFileSync("chown", ["-R", `${user}:`, join(this.base, "home"), join(this.base, "calls")]);
    }

    install() {
        writeFileSync(join(this.base, "bin/directpath"), WRAPPER.replace("@BASE@", this.base), { mode: 0o755 });
    }

    uninstall() {
        rmSync(join(this.base, "bin/directpath"));
    }

    /** The tree of tests/data/hosts/NAME.json with @files in it; prepared answers are forgotten. */
    capture(name, files = {}) {
        rmSync(join(this.base, "tree"), { recursive: true, force: true });
        rmSync(join(this.base, "answers"), { recursive: true });
        rmSync(join(this.base, "vms"), { recursive: true, force: true });
        mkdirSync(join(this.base, "answers"));
        execFileSync("python3", [join(DATA, "make-tree.py"), join(DATA, `hosts/${name}.json`), this.path("")], { stdio: "ignore" });
        mkdirSync(this.path("etc/directpath"), { recursive: true });
        for (const [file, text] of Object.entries(files))
            this.write(file, text);
        this.forgetCalls();
    }

    many(count) {
        this.capture("lab");
        rmSync(join(this.base, "tree"), { recursive: true });
        execFileSync("python3", [join(DATA, "make-many.py"), String(count), this.path("")], { stdio: "ignore" });
    }

    path(file) {
        return join(this.base, "tree", file);
    }

    write(file, text) {
        mkdirSync(dirname(this.path(file)), { recursive: true });
        writeFileSync(this.path(file), text);
    }

    read(file) {
        return existsSync(this.path(file)) ? readFileSync(this.path(file), "utf8") : null;
    }

    /** A VMX at the same path on this machine and in the captured host, registered there. Returns the path. */
    vm(name, text) {
        const vmx = join(this.base, "vms", name, "vm.vmx");
        mkdirSync(dirname(vmx), { recursive: true });
        writeFileSync(vmx, text);
        this.write(vmx.slice(1), text);
        const stored = JSON.parse(this.read("etc/directpath/vms.json") ?? '{"version":1,"vms":[]}');
        stored.vms.push({ vmx, name, uuid: null, order: 0, timeout: 120 });
        this.write("etc/directpath/vms.json", JSON.stringify(stored));
        return vmx;
    }

    /** What the program itself says now. */
    ask(...words) {
        const { stdout, error } = spawnSync(join(this.base, "directpath"), ["--root", this.path(""), "--json", ...words]);
        if (error !== undefined)
            throw error;
        return JSON.parse(stdout);
    }

    /** @wait: seconds until it comes; it is the one of when it was asked for. @hold: the next one that asks waits for
        release(). @kill: none comes, the program is killed. */
    answer(name, document, { status = 0, wait = 0, hold = false, kill = false } = {}) {
        const at = join(this.base, "answers", name);
        if (kill)
            writeFileSync(`${at}.kill`, "");
        if (wait > 0)
            writeFileSync(`${at}.wait`, String(wait));
        if (document === undefined)
            return;
        writeFileSync(`${at}.status`, String(status));
        // Another file: who reads the old one goes on reading it.
        rmSync(`${at}.json`, { force: true });
        writeFileSync(`${at}.json`, typeof document === "string" ? document : JSON.stringify(document));
        if (hold)
            writeFileSync(`${at}.hold`, "");
    }

    forget(name) {
        for (const end of ["json", "status", "wait", "kill"])
            rmSync(join(this.base, "answers", `${name}.${end}`), { force: true });
    }

    /** Waits until somebody waits for the answer that is held. */
    async held(name) {
        await eventually(`a call of ${name}`, () => existsSync(join(this.base, "answers", `${name}.held`)));
    }

    async release(name) {
        await this.held(name);
        rmSync(join(this.base, "answers", `${name}.held`));
    }

    /** Argument arrays of the calls so far. */
    calls() {
        return readFileSync(join(this.base, "calls"), "utf8").split("\n").filter(line => line !== "").map(line => line.split("\t").slice(0, -1));
    }

    forgetCalls() {
        writeFileSync(join(this.base, "calls"), "");
    }

    /** The port is anybody's until the server has it: then another one is tried. */
    async start() {
        for (let tries = 0; tries < 5; tries++) {
            if (await this.startOnce())
                return this;
        }
        throw new Error(`cockpit-ws does not answer: ${this.log}`);
    }

    /** False if the server has ended. */
    async startOnce() {
        this.port = await freePort();
        const command = ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", "127.0.0.1", "--port", String(this.port),
                         "--local-session=cockpit-bridge"];
        const drop = this.user === null ? [] : ["/usr/bin/setpriv", `--reuid=${this.user}`, "--regid=nogroup", "--clear-groups"];
        const [program, ...words] = [...drop, ...command];
        this.server = spawn(program, words, {
            stdio: ["ignore", "ignore", "pipe"],
            env: {
                PATH: `${this.base}/bin:/usr/bin:/bin`, LC_ALL: "C.UTF-8", HOME: `${this.base}/home`,
                XDG_DATA_HOME: `${this.base}/share`, XDG_RUNTIME_DIR: `${this.base}/home`,
            },
        });
        this.log = "";
        this.server.stderr.on("data", data => { this.log += data; });
        const deadline = Date.now() + PATIENCE_MS;
        while (this.server.exitCode === null && Date.now() < deadline) {
            try {
                await fetch(`http://127.0.0.1:${this.port}/ping`);
                return this.server.exitCode === null;
            } catch {
                await sleep(100);
            }
        }
        if (this.server.exitCode === null)
            this.server.kill("SIGKILL");
        return false;
    }

    url(path = "") {
        return `http://127.0.0.1:${this.port}/cockpit/@localhost/directpath/index.html${path && `#/${path}`}`;
    }

    /** The way to the host breaks: the bridge at its end is gone. */
    cut() {
        const { pid } = this.server;
        const bridges = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(word => word !== "");
        assert.ok(bridges.length > 0, "no bridge is there to be cut");
        for (const bridge of bridges)
            process.kill(Number(bridge), "SIGKILL");
    }

    async stop() {
        this.server.kill();
        const timer = setTimeout(() => this.server.kill("SIGKILL"), PATIENCE_MS);
        if (this.server.exitCode === null && this.server.signalCode === null)
            await once(this.server, "exit");
        clearTimeout(timer);
        // What a session has started ends with it, and may write until then.
        rmSync(this.base, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    }
}

/** Waits until @test returns something true, and returns that. */
export async function eventually(what, test) {
    for (const deadline = Date.now() + PATIENCE_MS;;) {
        const over = Date.now() >= deadline;
        const value = await test();
        if (value)
            return value;
        if (over)
            throw new Error(`waited ${PATIENCE_MS / 1000} seconds in vain for ${what}`);
        await sleep(100);
    }
}

/** Waits until @test is true in the page, and returns what it said. The driver's own wait needs what the page's policy forbids. */
export const until = (tab, test, argument) => eventually(test, () => tab.evaluate(test, argument));

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** axe finds nothing serious in what is shown now. */
export async function axe(tab, where) {
    await tab.waitForTimeout(400); // what fades in has its colours, and what begins to meanwhile
    await until(tab, () => document.getAnimations().every(one => one.playState !== "running" ||
        (one.effect?.getComputedTiming().endTime ?? Infinity) === Infinity));
    await tab.evaluate(AXE);
    const { violations, passes } = await tab.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const bad = violations.filter(one => ["serious", "critical"].includes(one.impact));
    assert.ok(passes.length > 5, `axe looked at next to nothing in ${where}`);
    assert.deepEqual(bad.map(one => `${where}: ${one.id}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 300)).join(" | ")}`), []);
}

export const launch = () => chromium.launch({
    executablePath: "/usr/bin/chromium", timeout: PATIENCE_MS, args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
});
