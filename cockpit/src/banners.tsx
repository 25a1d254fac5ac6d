// SPDX-License-Identifier: GPL-2.0-or-later
// What waits: for a reboot, or for somebody to say that a change is to stay; and what the host says of itself.
import { Alert, AlertActionCloseButton, AlertActionLink } from "./patternfly";
import { useEffect, useRef, useState } from "react";
import { type Answer, asError, CallError, confirmChange, disableDevices } from "./directpath";
import type { Address, Device, DeviceChange, DeviceList, Diagnostic, HostStatus } from "./documents";
import type { Live } from "./live";
import { dismiss, lasting, textOf, useNotices } from "./notices";
import { CallAlert, Diagnostics, DiagnosticView, NotUpToDate } from "./problems";
import { Text } from "./text";

interface BannersProps {
    status: Live<HostStatus>;
    devices: Live<DeviceList>;
    reload: () => Promise<void>;
}

export function Banners({ status, devices, reload }: BannersProps) {
    const armed = status.answer?.document.armed ?? null;
    const waiting = (devices.answer?.document.devices ?? []).filter(device => device.state === "reboot-required");
    const armedNow = new Set(armed?.devices ?? []);
    const pending = waiting.filter(device => !armedNow.has(device.address));
    const notices = useNotices();
    const { outcome, setOutcome, ended, forget } = useEnd(armed, status);
    // That it was taken back, and how that went, directpath says itself to the first that asks with the privileges.
    const said = notices.some(one => TAKEN_BACK.includes(one.id));
    return (
        <>
            {status.error !== null && status.error.kind !== "missing" && (
                <CallAlert error={status.error} title="Not known now: what waits for a reboot, or for a confirmation" />)}
            {status.error === null && armed !== null && <NotUpToDate of={status} />}
            {notices.map(one => <DiagnosticView key={textOf(one)} diagnostic={one} onDismiss={() => dismiss(one)} />)}
            {armed !== null && <Armed key={armed.devices.join()} armed={armed} reload={reload} onOutcome={setOutcome} />}
            {outcome !== null && isFailure(outcome) && <NotDone outcome={outcome} notices={notices} onDismiss={() => setOutcome(null)} />}
            {ended !== null && (ended.kept || !said) && <Ended ended={ended} onDismiss={forget} />}
            {pending.length > 0 && <RebootRequired pending={pending} />}
            <HostSays diagnostics={status.answer?.document.diagnostics ?? []} told={waiting} />
        </>
    );
}

const SHOWN = 8;

/** That a change is armed: its own banner counts. */
const ARMED = "DP2051";

interface HostSaysProps {
    diagnostics: Diagnostic[];
    /** Devices whose diagnostics have a banner already. */
    told: Device[];
}

/** What is wrong with the host as it is stored: cards that are gone or exchanged, what is in quarantine. */
function HostSays({ diagnostics, told }: HostSaysProps) {
    const known = new Set(told.flatMap(device => device.diagnostics).map(textOf));
    const different = new Map(lasting(diagnostics).map(one => [textOf(one), one]));
    const list = [...different.values()].filter(one => one.severity !== "note" && one.id !== ARMED && !known.has(textOf(one)));
    if (list.length === 0)
        return null;
    return (
        <Alert isInline component="h2" className="dp-banner" variant={list.some(one => one.severity === "error") ? "danger" : "warning"}
            title="The host is not as it is stored">
            <ul>
                {list.slice(0, SHOWN).map(one => (
                    <li key={textOf(one)}>
                        <Text max={2000}>{one.message}</Text> <small>[<Text>{one.id}</Text>]</small>
                        {one.remedy !== "" && <div className="dp-why">Remedy: <Text max={2000}>{one.remedy}</Text>.</div>}
                    </li>))}
                {list.length > SHOWN && <li>and {list.length - SHOWN} more, told by <code>directpath host status</code></li>}
            </ul>
        </Alert>
    );
}

function RebootRequired({ pending }: { pending: Device[] }) {
    return (
        <Alert isInline component="h2" variant="warning" title="Reboot required" className="dp-banner">
            <p>The stored owner of {pending.length === 1 ? "this function" : "these functions"} and the one that has
                it now differ, until the host is rebooted:</p>
            <ul>
                {pending.slice(0, SHOWN).map(device => (
                    <li key={device.address}>
                        <Text>{device.address}</Text> <Text>{device.name}</Text>, stored
                        for {device.owner === "passthru" ? "passthrough" : "the host"}
                        {device.diagnostics.filter(one => one.severity !== "note").slice(0, 2).map((one, index) => (
                            <div key={index} className="dp-why"><Text max={2000}>{one.message}</Text>. Remedy: <Text max={2000}>{one.remedy}</Text>.</div>))}
                    </li>))}
                {pending.length > SHOWN && <li>and {pending.length - SHOWN} more</li>}
            </ul>
        </Alert>
    );
}

const TAKEN_BACK = ["DP2053", "DP2054"];

type ArmedChange = NonNullable<HostStatus["armed"]>;

/** What came of a button of the countdown. It outlives the countdown, which may be over by then. */
interface Outcome {
    verb: "keep" | "take-back";
    result: Answer<DeviceChange> | CallError;
}

/** A change that is armed no more. */
interface End {
    devices: Address[];
    kept: boolean;
}

const isFailure = ({ result }: Outcome): boolean => result instanceof CallError || result.status !== 0;

/** What became of the change that was armed the last time. Who confirmed it need not have been this page: the store tells. */
function useEnd(armed: ArmedChange | null, status: Live<HostStatus>) {
    const [outcome, setOutcome] = useState<Outcome | null>(null);
    const [end, setEnd] = useState<End | null>(null);
    const before = useRef<Address[]>([]);
    const now = status.answer?.document.devices;
    useEffect(() => {
        if (armed !== null) {
            if (before.current.join() !== armed.devices.join()) {
                setOutcome(null);
                setEnd(null);
            }
            before.current = armed.devices;
        } else if (before.current.length > 0 && now !== undefined) {
            const devices = before.current;
            before.current = [];
            setEnd({ devices, kept: devices.every(address => now.some(one => one.address === address && one.owner === "passthru")) });
        }
    }, [armed, now]);
    const confirmed = outcome?.verb === "keep" && !(outcome.result instanceof CallError) && outcome.result.status === 0 &&
        outcome.result.document.changed === true;
    const ended = end === null ? null : { ...end, kept: end.kept || confirmed };
    return { outcome, setOutcome, ended, forget: () => setEnd(null) };
}

function Ended({ ended: { devices, kept }, onDismiss }: { ended: End; onDismiss: () => void }) {
    return (
        <Alert isInline component="h2" className="dp-banner" variant={kept ? "success" : "warning"} title={kept ? "Kept: the change stays" : "Taken back"}
            actionClose={<AlertActionCloseButton aria-label="Dismiss" onClose={onDismiss} />}>
            {!kept && <p>The change was not confirmed, and the host has back:</p>}
            <ul>{devices.map(address => <li key={address}><Text>{address}</Text></li>)}</ul>
        </Alert>
    );
}

function NotDone({ outcome: { verb, result }, notices, onDismiss }: { outcome: Outcome; notices: Diagnostic[]; onDismiss: () => void }) {
    const title = verb === "keep" ? "The change was not kept" : "The change was not taken back now";
    const known = new Set(notices.map(textOf));
    return (
        <Alert isInline component="h2" className="dp-banner" variant="danger" title={title}
            actionClose={<AlertActionCloseButton aria-label="Dismiss" onClose={onDismiss} />}>
            {result instanceof CallError ? <CallAlert error={result} /> :
                <Diagnostics diagnostics={result.document.diagnostics.filter(one => !known.has(textOf(one)))} />}
        </Alert>
    );
}

interface ArmedProps {
    armed: ArmedChange;
    reload: () => Promise<void>;
    onOutcome: (outcome: Outcome | null) => void;
}

/** Seconds, counted here between two answers. */
function useCountdown(left: number): number {
    const [start, setStart] = useState({ left, at: Date.now() });
    const [now, setNow] = useState(Date.now());
    useEffect(() => setStart({ left, at: Date.now() }), [left]);
    useEffect(() => {
        const timer = window.setInterval(() => setNow(Date.now()), 500);
        return () => window.clearInterval(timer);
    }, []);
    return Math.max(0, start.left - Math.floor((now - start.at) / 1000));
}

function Armed({ armed, reload, onOutcome }: ArmedProps) {
    const left = useCountdown(armed.seconds_left);
    const [busy, setBusy] = useState(false);
    const act = async (verb: Outcome["verb"], call: () => Promise<Answer<DeviceChange>>) => {
        setBusy(true);
        onOutcome(null);
        onOutcome({ verb, result: await call().catch(asError) });
        await reload();
        setBusy(false);
    };
    return (
        <Alert isInline component="h2" variant="warning" className="dp-banner"
            title={`Enabled for now: taken back in ${left} s`}
            actionLinks={
                <>
                    <AlertActionLink isDisabled={busy} onClick={() => void act("keep", confirmChange)}>Keep the change</AlertActionLink>
                    <AlertActionLink isDisabled={busy} onClick={() => void act("take-back", () => disableDevices(armed.devices, false))}>
                        Take it back now
                    </AlertActionLink>
                </>}>
            <p>If this page still reaches the host, keep the change. Otherwise the host takes it back by itself:</p>
            <ul>{armed.devices.map(address => <li key={address}><Text>{address}</Text></li>)}</ul>
            <progress max={armed.seconds} value={left} aria-label="Time that is left" />
        </Alert>
    );
}
