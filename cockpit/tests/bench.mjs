// SPDX-License-Identifier: GPL-2.0-or-later
// How long the page takes with many functions: node bench.mjs PAGE PROGRAM COUNT RUNS. bench/page calls it.
import { Host, launch, until } from "./harness.mjs";

const PAINT_MS = 2000, FILTER_MS = 100;
const FILTERS = ["8", "8086", "8086:1572", "nvme", "0001:1", "no such device", ""];
const [page, program, count, runs] = process.argv.slice(2);

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const line = (what, values) => console.log(`${what.padEnd(34)} ${median(values).toFixed(0).padStart(6)} ${Math.min(...values).toFixed(0).padStart(6)} ${Math.max(...values).toFixed(0).padStart(6)}`);

/** From the start of the navigation until the first rows have been painted. */
const WATCH = () => {
    const look = () => {
        if (document.querySelector("tr.dp-device") === null)
            return requestAnimationFrame(look);
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => { window.painted = performance.now(); };
        return requestAnimationFrame(() => port2.postMessage(null));
    };
    requestAnimationFrame(look);
};

/** From the key to the end of the frame that shows what it did. */
const FILTER = text => new Promise(done => {
    const input = document.querySelector("input[aria-label=Search]");
    const { port1, port2 } = new MessageChannel();
    const start = performance.now();
    port1.onmessage = () => done(performance.now() - start);
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => port2.postMessage(null));
});

const browser = await launch();
const host = await new Host({ page, program }).start();
const times = { cold: [], warm: [] }, filters = Object.fromEntries(FILTERS.map(text => [text, []]));
host.many(Number(count));
try {
    for (let run = 0; run < Number(runs); run++) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        const tab = await context.newPage();
        await tab.addInitScript(WATCH);
        for (const kind of ["cold", "warm"]) {
            await tab.goto("about:blank");
            await tab.goto(host.url());
            times[kind].push(await until(tab, () => window.painted));
        }
        await tab.waitForTimeout(1000);
        for (const text of FILTERS)
            filters[text].push(await tab.evaluate(FILTER, text));
        await context.close();
    }
} finally {
    await browser.close();
    await host.stop();
}
console.log(`${count} functions, ${runs} runs`.padEnd(34), "median    min    max, ms");
line("first rows, nothing cached", times.cold);
line("first rows, files cached", times.warm);
for (const [text, values] of Object.entries(filters))
    line(`filter ${JSON.stringify(text)}`, values);
const slow = median(times.cold) > PAINT_MS || Object.values(filters).some(values => median(values) > FILTER_MS);
console.log(slow ? `missed: rows within ${PAINT_MS} ms, filtering within ${FILTER_MS} ms` : "within the goals");
process.exitCode = slow ? 1 : 0;
