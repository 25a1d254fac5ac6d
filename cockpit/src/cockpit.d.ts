// SPDX-License-Identifier: GPL-2.0-or-later
// What this page uses of Cockpit's own library, which the console serves as base1/cockpit.js.

interface CockpitProblem {
    message: string;
    problem: string | null;
    exit_status?: number | null;
    exit_signal?: string | null;
}

interface CockpitProcess extends Promise<unknown> {
    stream(callback: (data: string) => void): CockpitProcess;
    close(problem?: string): void;
}

interface CockpitPermission {
    allowed: boolean | null;
    addEventListener(name: "changed", callback: () => void): void;
    removeEventListener(name: "changed", callback: () => void): void;
}

interface CockpitChannel {
    valid: boolean;
    send(data: Uint8Array): void;
    close(problem?: string): void;
    addEventListener(name: "message", callback: (event: Event, data: Uint8Array) => void): void;
    addEventListener(name: "close", callback: (event: Event, options: { problem?: string }) => void): void;
    addEventListener(name: "ready", callback: () => void): void;
}

interface CockpitLocation {
    path: string[];
    go(path: string[], options?: Record<string, string>): void;
}

declare const cockpit: {
    hidden: boolean;
    location: CockpitLocation;
    spawn(argv: string[], options: { err: "message"; superuser: "try" | "require"; environ: string[] }): CockpitProcess;
    channel(options: Record<string, unknown>): CockpitChannel;
    permission(options: { admin: true }): CockpitPermission;
    addEventListener(name: "locationchanged" | "visibilitychange", callback: () => void): void;
    removeEventListener(name: "locationchanged" | "visibilitychange", callback: () => void): void;
};
