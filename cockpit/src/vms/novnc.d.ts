// SPDX-License-Identifier: GPL-2.0-or-later
declare module "@novnc/novnc/lib/rfb" {
    import type { Channel } from "./vnc";

    export default class RFB extends EventTarget {
        constructor(target: HTMLElement, channel: Channel, options?: { shared?: boolean });
        scaleViewport: boolean;
        focusOnClick: boolean;
        sendCredentials(credentials: { password: string }): void;
        sendCtrlAltDel(): void;
        sendKey(keysym: number, code: string, down: boolean): void;
        focus(): void;
        disconnect(): void;
    }
}
