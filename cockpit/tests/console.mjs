// SPDX-License-Identifier: GPL-2.0-or-later
// The console, against a display that speaks just enough RFB: a red screen, and what was typed.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { open } from "./devices.mjs";
import { eventually, example, SAMPLE, until } from "./harness.mjs";

const WIDTH = 32, HEIGHT = 16;
const u16 = number => [number >> 8, number & 255];
const u32 = number => [...u16(number >>> 16), ...u16(number & 65535)];

/** One red rectangle, in the 32 bits with red lowest that noVNC asks for. */
const frame = Buffer.from([0, 0, ...u16(1), ...u16(0), ...u16(0), ...u16(WIDTH), ...u16(HEIGHT), ...u32(0),
                           ...Array(WIDTH * HEIGHT).fill([255, 0, 0, 0]).flat()]);
const init = Buffer.from([...u16(WIDTH), ...u16(HEIGHT), 32, 24, 0, 1, ...u16(255), ...u16(255), ...u16(255), 0, 8, 16, 0, 0, 0,
                          ...u32(3), ..."web".split("").map(letter => letter.charCodeAt(0))]);
/** Lengths of a client's messages: SetPixelFormat, SetEncodings, update request, key, pointer. */
const length = data => ({ 0: 20, 2: 4 + 4 * (data[2] * 256 + (data[3] ?? 0)), 3: 10, 4: 8, 5: 6 })[data[0]];

async function display() {
    const keys = [], released = [];
    const server = createServer(socket => {
        let step = 0, data = Buffer.alloc(0);
        socket.on("error", () => undefined);
        socket.write("RFB 003.008\n");
        const take = count => {
            const head = data.subarray(0, count);
            data = data.subarray(count);
            return head;
        };
        const messages = () => {
            while (data.length > 0 && data.length >= length(data)) {
                const message = take(length(data));
                if (message[0] === 3)
                    socket.write(frame);
                if (message[0] === 4 && message[1] === 1)
                    keys.push(message.readUInt32BE(4));
                if (message[0] === 4 && message[1] === 0)
                    released.push(message.readUInt32BE(4));
            }
        };
        socket.on("data", more => {
            data = Buffer.concat([data, more]);
            if (step === 0 && data.length >= 12) {
                take(12);
                socket.write(Buffer.from([1, 1]));
                step = 1;
            }
            if (step === 1 && data.length >= 1) {
                take(1);
                socket.write(Buffer.from(u32(0)));
                step = 2;
            }
            if (step === 2 && data.length >= 1) {
                take(1);
                socket.write(init);
                step = 3;
            }
            if (step === 3)
                messages();
        });
    });
    await new Promise(done => server.listen(0, "127.0.0.1", done));
    return { server, keys, released, port: server.address().port };
}

async function running(env, vnc) {
    const { tab } = env;
    await open(env, "lab-enabled", { path: "vms", prepare: host => {
        const vmx = host.vm("RHEL3", SAMPLE);
        host.answer("vm-list", { ...host.ask("vm", "list"), vms: [{ ...example("vm-list").vms[0], vmx }] });
        host.answer("vm-status", { ...example("vm-status"), vmx });
        host.answer("vm-console", { ...example("vm-console"), vnc });
    } });
    await tab.getByRole("button", { name: "RHEL3" }).click();
    await tab.getByRole("button", { name: "Open the console" }).click();
}

export const tests = [
    ["console: the screen, through Cockpit's channel alone", async env => {
        const { tab, shoot } = env;
        const { server, keys, released, port } = await display();
        try {
            await running(env, { address: "127.0.0.1", port, password: false });
            await until(tab, () => {
                const canvas = document.querySelector(".dp-screen canvas");
                return canvas !== null && canvas.width > 0 && canvas.getContext("2d").getImageData(1, 1, 1, 1).data.join() === "255,0,0,255";
            });
            const screen = tab.getByRole("application", { name: "Screen of RHEL3" });
            const focused = locator => locator.evaluate(one => one === document.activeElement);
            const typed = async wanted => {
                await eventually(`${wanted.length} keys`, () => keys.length >= wanted.length);
                assert.deepEqual(keys, wanted);
            };
            const send = tab.getByRole("button", { name: "Send Ctrl+Alt+Del" });
            assert.ok(await focused(screen), "the screen has not got the keyboard");
            await tab.keyboard.press("x");
            await tab.keyboard.press("Tab"); // the guest's
            await typed([0x78, 0xFF09]);
            assert.ok(await focused(screen));
            await tab.getByText("Ctrl+Alt+G leaves it").waitFor();
            await tab.keyboard.press("Control+Alt+g");
            assert.ok(await focused(send), "the keyboard cannot leave the screen");
            await eventually("the end of keys that the guest would be left with, held down", () => released.includes(0xFFE3) && released.includes(0xFFE9));
            await tab.keyboard.press("Shift+Tab");
            assert.ok(await focused(screen), "the keyboard cannot get back to it");
            await send.click();
            await typed([0x78, 0xFF09, 0xFFE3, 0xFFE9, 0xFFE3, 0xFFE9, 0xFFFF]);
            await env.axe("console");
            await tab.locator(".dp-screen").scrollIntoViewIfNeeded();
            await shoot("vm-console");
            await tab.getByRole("button", { name: "Close the console" }).click();
            await tab.getByRole("button", { name: "Open the console" }).waitFor();
        } finally {
            server.close();
        }
    }],
    ["console: a display that is gone is said", async env => {
        const { server, port } = await display();
        server.close();
        await running(env, { address: "127.0.0.1", port, password: false });
        await env.tab.getByRole("heading", { name: "The console has ended: the connection to the display was lost" }).waitFor();
    }],
    ["console: only the host's loopback is reached", async env => {
        await running(env, { address: "192.0.2.7", port: 5900, password: false });
        await env.tab.getByRole("heading", { name: "The console has ended: the display is at 192.0.2.7, which this page does not reach" }).waitFor();
    }],
];
