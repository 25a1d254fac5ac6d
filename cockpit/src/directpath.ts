// SPDX-License-Identifier: GPL-2.0-or-later
// Every call of directpath. Arguments are arrays, operands stand behind "--", and nothing here is seen by a shell.
import { misfit } from "./conform";
import { note } from "./notices";
import type {
    Address, Diagnostic, DeviceChange, DeviceList, DeviceShow, HostCheck, HostDrift, HostStatus, VmConsole, VmEdit, VmEnd,
    VmList, VmLog, VmPlan, VmPowerOn, VmRegister, VmStatus, VmValidate,
} from "./documents";

export type FailureKind = "missing" | "denied" | "broken" | "failed" | "lost" | "killed";

/** There is no answer of directpath: it is not there, Cockpit does not permit it, what it printed is not JSON, it says why
    there is none, or it came to an end before it could answer. */
export class CallError extends Error {
    constructor(readonly kind: FailureKind, message: string, readonly diagnostics: Diagnostic[] = [],
                /** A change was asked for, and may have happened. */
                readonly unsure = false) {
        super(message);
        this.name = "CallError";
    }
}

/** For catch: what is no CallError is a mistake of the page itself. */
export const asError = (error: unknown): CallError =>
    error instanceof CallError ? error : new CallError("broken", error instanceof Error ? error.message : String(error));

/** Status: 0 done, 1 the answer is no, 2 usage, 3 the system failed, 4 partly. The document tells why in its diagnostics;
    of a status other than 0 nothing else need be there, and then it is not whole. */
export interface Answer<T> {
    status: number;
    whole: boolean;
    document: Partial<T> & { diagnostics: Diagnostic[] };
}

/** Looking takes the privileges that the session has; changing needs them, and Cockpit refuses it where they are not given. */
type Need = "look" | "change";

const DENIED = ["access-denied", "not-authorized", "authentication-failed", "authentication-unavailable"];

/** The way to the host, not the program. */
const LOST = ["disconnected", "terminated", "no-session", "timeout", "no-host", "unknown-host", "cancelled", "internal-error", "protocol-error"];

function failure(problem: CockpitProblem, need: Need): CallError {
    if (problem.problem === "not-found" || problem.message === "not-found")
        return new CallError("missing", problem.message);
    if (problem.problem !== null && DENIED.includes(problem.problem))
        return new CallError("denied", problem.message);
    const kind = problem.exit_signal != null ? "killed" : problem.problem !== null && LOST.includes(problem.problem) ? "lost" : "broken";
    return new CallError(kind, problem.message, [], need === "change");
}

function parse(text: string, schema: string, status: number, stderr: string, need: Need): unknown {
    const said = stderr === "" ? "" : `; it said: ${stderr}`;
    let document: unknown;
    try {
        document = JSON.parse(text);
    } catch (error) {
        const why = text.trim() === "" ? "it printed nothing" : (error as Error).message;
        throw new CallError("broken", `directpath ended with status ${status}, and its answer is not JSON: ${why}${said}`, [], need === "change");
    }
    const wrong = misfit({ $ref: status === 0 ? schema : "failure" }, document);
    if (wrong !== null)
        throw new CallError("broken", `directpath's answer is not of the form that this page knows: ${wrong}${said}`, [], need === "change");
    return document;
}

async function call<T>(schema: string, need: Need, words: string[], operands: string[] = []): Promise<Answer<T>> {
    const argv = ["directpath", "--json", ...words, ...(operands.length > 0 ? ["--", ...operands] : [])];
    // Cockpit's bridge ends the whole session at text that is none.
    if (argv.some(word => /[\0\p{Cs}]/u.test(word)))
        throw new CallError("broken", "a name has a NUL or half a character in it, and cannot be passed on");
    let out = "", status = 0, stderr = "";
    try {
        await cockpit.spawn(argv, {
            err: "message", superuser: need === "change" ? "require" : "try", environ: ["LC_ALL=C.UTF-8"],
        }).stream(data => { out += data; });
    } catch (caught) {
        const problem = caught as CockpitProblem;
        if (typeof problem.exit_status !== "number" || problem.exit_status < 0)
            throw failure(problem, need);
        status = problem.exit_status;
        stderr = problem.message;
    }
    // What a shell or sudo says of a program that is not there.
    if (status === 127 && out === "")
        throw new CallError("missing", stderr);
    const document = parse(out, schema, status, stderr, need) as Answer<T>["document"];
    note(document.diagnostics);
    return { status, whole: status === 0 || misfit({ $ref: schema }, document) === null, document };
}

export const listDevices = () => call<DeviceList>("device-list", "look", ["device", "list", "--all"]);
export const showDevice = (address: Address) => call<DeviceShow>("device-show", "look", ["device", "show"], [address]);
export const hostStatus = () => call<HostStatus>("host-status", "look", ["host", "status"]);
export const hostCheck = () => call<HostCheck>("host-check", "look", ["host", "check"]);
export const hostDrift = () => call<HostDrift>("host-drift", "look", ["host", "drift"]);

export interface ChangeOptions {
    dryRun: boolean;
    /** Seconds after which the change is taken back; 0: it stays. */
    confirmWithin: number;
}

export function enableDevices(addresses: Address[], { dryRun, confirmWithin }: ChangeOptions) {
    const options = [...(dryRun ? ["--dry-run"] : []), ...(confirmWithin > 0 ? ["--confirm-within", String(confirmWithin)] : [])];
    return call<DeviceChange>("device-change", dryRun ? "look" : "change", ["device", "enable", "--with-unit", ...options],
                              addresses);
}

/** The rest of their units comes along, as in enableDevices. */
export const disableDevices = (addresses: Address[], dryRun: boolean) =>
    call<DeviceChange>("device-change", dryRun ? "look" : "change", ["device", "disable", "--with-unit", ...(dryRun ? ["--dry-run"] : [])],
                       addresses);

export const confirmChange = () => call<DeviceChange>("device-change", "change", ["device", "confirm"]);

export const listVms = () => call<VmList>("vm-list", "look", ["vm", "list"]);
export const vmStatus = (vmx: string) => call<VmStatus>("vm-status", "look", ["vm", "status"], [vmx]);
export const vmValidate = (vmx: string) => call<VmValidate>("vm-validate", "look", ["vm", "validate"], [vmx]);
export const vmLog = (vmx: string) => call<VmLog>("vm-log", "look", ["vm", "log"], [vmx]);
export const vmConsole = (vmx: string) => call<VmConsole>("vm-console", "look", ["vm", "console"], [vmx]);
export const vmPlan = (vmx: string) => call<VmPlan>("vm-plan", "look", ["vm", "power-on", "--dry-run"], [vmx]);
export const powerOn = (vmx: string) => call<VmPowerOn>("vm-power-on", "change", ["vm", "power-on"], [vmx]);
export const shutDown = (vmx: string) => call<VmEnd>("vm-end", "change", ["vm", "shut-down"], [vmx]);
export const powerOff = (vmx: string) => call<VmEnd>("vm-end", "change", ["vm", "power-off"], [vmx]);
export const registerVm = (vmx: string) => call<VmRegister>("vm-register", "change", ["vm", "register"], [vmx]);
export const unregisterVm = (vmx: string) => call<VmRegister>("vm-register", "change", ["vm", "unregister"], [vmx]);

export const addDevice = (vmx: string, address: Address) =>
    call<VmEdit>("vm-edit", "change", ["vm", "add-device"], [vmx, address]);
export const removeDevice = (vmx: string, index: number) =>
    call<VmEdit>("vm-edit", "change", ["vm", "remove-device"], [vmx, String(index)]);
export const setKeys = (vmx: string, values: Record<string, string>) =>
    call<VmEdit>("vm-edit", "change", ["vm", "set"], [vmx, ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]);
