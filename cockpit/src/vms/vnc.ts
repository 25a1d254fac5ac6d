// SPDX-License-Identifier: GPL-2.0-or-later
// A connection to a port of the host's loopback through Cockpit's own channel, in the form that noVNC takes for a WebSocket.

export class Channel {
    binaryType = "arraybuffer";
    protocol = "";
    readyState: "connecting" | "open" | "closed" = "connecting";
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
    onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null = null;
    onerror: ((event: unknown) => void) | null = null;
    private readonly channel: CockpitChannel;

    constructor(port: number) {
        this.channel = cockpit.channel({ payload: "stream", address: "127.0.0.1", port, binary: true });
        this.channel.addEventListener("ready", () => {
            this.readyState = "open";
            this.onopen?.();
        });
        this.channel.addEventListener("message", (_event, data) => {
            this.onmessage?.({ data: new Uint8Array(data).buffer });
        });
        this.channel.addEventListener("close", (_event, options) => {
            this.readyState = "closed";
            const reason = options.problem ?? "";
            this.onclose?.({ code: reason === "" ? 1000 : 1006, reason, wasClean: reason === "" });
        });
    }

    send(data: ArrayBuffer | Uint8Array): void {
        // A copy: noVNC writes its next message into the same memory.
        this.channel.send(new Uint8Array(data instanceof Uint8Array ? data : new Uint8Array(data)));
    }

    close(): void {
        this.channel.close();
    }
}
