// SPDX-License-Identifier: GPL-2.0-or-later
// The change of owners: choose, see what comes along and what the host loses, read the plan, do it.
import { Alert, Button, Checkbox, Modal, ModalBody, ModalFooter, ModalHeader, NumberInput } from "../patternfly";
import { useCallback, useMemo, useState } from "react";
import { type Answer, asError, CallError, disableDevices, enableDevices } from "../directpath";
import type { Address, Device, DeviceChange, Diagnostic, Step } from "../documents";
import { useLive } from "../live";
import { CallAlert, Diagnostics, NotChanged } from "../problems";
import { Text, visible } from "../text";
import { Grid, Part, Working } from "../ui";
import { HostUser, ids, State } from "./state";

export interface Change {
    enable: Address[];
    disable: Address[];
    /** Offer the list of devices. */
    choose: boolean;
}

interface Outcome extends Answer<DeviceChange> {
    /** The enable was done, and the disable behind it was not. */
    halfway: boolean;
    /** Of that disable: why there is no answer. */
    error: CallError | null;
}

const CONFIRM_S = 60, CONFIRM_MIN_S = 10, CONFIRM_MAX_S = 3600;

/** What is being typed may be anything; what is asked for is a time. */
function inTime(seconds: number): number {
    return Number.isFinite(seconds) ? Math.min(CONFIRM_MAX_S, Math.max(CONFIRM_MIN_S, Math.trunc(seconds))) : CONFIRM_S;
}

/** Both parts of a change, one behind the other; the second only if the first was done. */
async function apply(change: Change, dryRun: boolean, confirmWithin: number): Promise<Outcome> {
    const parts: (() => Promise<Answer<DeviceChange>>)[] = [];
    if (change.enable.length > 0)
        parts.push(() => enableDevices(change.enable, { dryRun, confirmWithin }));
    if (change.disable.length > 0)
        parts.push(() => disableDevices(change.disable, dryRun));
    const all: Outcome = { status: 0, whole: true, halfway: false, error: null,
                           document: { diagnostics: [], steps: [], next: [], reboot_required: false } };
    for (const [index, part] of parts.entries()) {
        const second = !dryRun && index > 0;
        const answer = await part().catch(asError);
        if (answer instanceof CallError && !second)
            throw answer;
        all.halfway = second && (answer instanceof CallError || answer.status !== 0);
        if (answer instanceof CallError)
            return { ...all, status: 4, error: answer };
        const { status, document } = answer;
        // A plan is as good as its worse part; of a change something was done when the second part is refused.
        all.status = all.status !== 0 ? all.status : all.halfway ? 4 : status;
        all.document.diagnostics.push(...document.diagnostics);
        all.document.steps?.push(...document.steps ?? []);
        all.document.next?.push(...document.next ?? []);
        all.document.reboot_required = all.document.reboot_required === true || document.reboot_required === true;
        if (status !== 0 && !dryRun)
            break;
    }
    return all;
}

/** Everything that changes hands: the chosen functions, and the rest of their units unless it is there already. */
function affected(devices: Device[], chosen: Address[], enable: boolean): Device[] {
    const units = new Set(devices.filter(device => chosen.includes(device.address)).flatMap(device => [device.address, ...device.unit]));
    return devices.filter(device => units.has(device.address) &&
        (chosen.includes(device.address) || device.owner === (enable ? "host" : "passthru")));
}

function Chooser({ devices, change, onChoose }: { devices: Device[]; change: Change; onChoose: (device: Device) => void }) {
    const along = new Set([...affected(devices, change.enable, true), ...affected(devices, change.disable, false)].map(device => device.address));
    const ticked = (device: Device) => {
        const touched = along.has(device.address);
        return device.owner === "passthru" ? !touched : touched;
    };
    return (
        <div className="dp-chooser" role="group" aria-label="Devices to pass through">
            {devices.filter(device => device.assignable).map(device => (
                <Checkbox key={device.address} id={`choose-${device.address}`} isChecked={ticked(device)} onChange={() => onChoose(device)}
                    label={<><Text>{device.address}</Text> <Text>{device.name}</Text></>}
                    description={<><State device={device} /> <span className="dp-detail">{ids(device)}, <HostUser device={device} /></span></>} />))}
        </div>
    );
}

function Consequences({ devices, chosen, enable }: { devices: Device[]; chosen: Address[]; enable: boolean }) {
    const hit = affected(devices, chosen, enable);
    if (hit.length === 0)
        return null;
    const along = hit.length > chosen.length;
    return (
        <Part title={enable ? "What the host gives away" : "What the host gets back"}>
            {along && <p>Others of the same unit come along: they cannot be split.</p>}
            <Grid label={enable ? "Functions to be enabled" : "Functions to be disabled"} empty=""
                columns={["Function", "Name", enable ? "The host loses" : "Now", ""]}
                rows={hit.map(device => ({
                    key: device.address,
                    cells: [
                        <Text key="a">{device.address}</Text>, <Text key="n">{device.name}</Text>, <HostUser key="h" device={device} />,
                        chosen.includes(device.address) ? "chosen" : <strong key="w">comes along</strong>,
                    ],
                }))} />
        </Part>
    );
}

/** The plan is made without the time, which can still be changed. */
function detailOf({ action, detail }: Step, seconds: number): string | null {
    return action === "arm" ? `taken back after ${seconds} s unless it is confirmed` : detail;
}

function Steps({ steps, seconds }: { steps: Step[]; seconds: number }) {
    if (steps.length === 0)
        return <p className="dp-none">Nothing is to be done.</p>;
    return (
        <ol className="dp-steps">
            {steps.map((step, index) => (
                <li key={index}>
                    <Text>{step.action}</Text> {step.subject !== null && <Text>{step.subject}</Text>}
                    {step.detail !== null && <>: <Text>{detailOf(step, seconds)}</Text></>}
                    {step.undo !== null && <small> (taken back by: <Text>{step.undo}</Text>)</small>}
                </li>))}
        </ol>
    );
}

const nextWords: Record<string, string> = {
    "power-off": "can be taken out after the host is powered off",
    "reboot": "reboot the host first, so that its kernel lets go of it",
    "gone": "is gone already",
};

function Result({ outcome, change }: { outcome: Outcome; change: Change }) {
    const { status, document, halfway, error } = outcome;
    return (
        <>
            {status === 0 && <Alert isInline component="h3" variant="success" title="Done" />}
            {status === 1 && <Alert isInline component="h3" variant="danger" title="Refused: nothing was changed" />}
            {status > 1 && <Alert isInline component="h3" variant="danger" title={status === 4 ? "Done in part" : "It failed"} />}
            {halfway && <p className="dp-part">Enabled: <Text>{change.enable.join(", ")}</Text>. {error?.unsure === true ? "Disabled, or not" : "Not disabled"}: <Text>{change.disable.join(", ")}</Text>.</p>}
            {error !== null && <CallAlert error={error} />}
            {document.reboot_required === true && <Alert isInline component="h3" variant="warning" title="Reboot required: stored, and in force after the next boot" />}
            <Diagnostics diagnostics={document.diagnostics} />
            {(document.next ?? []).length > 0 && (
                <Part title="Before a card is taken out">
                    <ul>
                        {document.next?.map(one => (
                            <li key={one.address}>
                                <Text>{one.address}</Text>: {nextWords[one.next] ?? visible(one.next)}
                                {one.vms.length > 0 && <>; still named by <Text>{one.vms.join(", ")}</Text></>}
                            </li>))}
                    </ul>
                </Part>)}
        </>
    );
}

const refusals = (diagnostics: Diagnostic[]) => diagnostics.filter(one => one.severity === "error");

interface DialogProps {
    devices: Device[];
    change: Change;
    reload: () => Promise<void>;
    onClose: () => void;
}

export function ChangeDialog({ devices, change: initial, reload, onClose }: DialogProps) {
    const [change, setChange] = useState(initial);
    const [confirm, setConfirm] = useState(true);
    const [typed, setTyped] = useState(String(CONFIRM_S));
    const [running, setRunning] = useState(false);
    const [result, setResult] = useState<Outcome | CallError | null>(null);

    const network = affected(devices, change.enable, true).some(device => device.class.startsWith("02"));
    const seconds = inTime(typed === "" ? NaN : Number(typed));
    const armed = network && confirm;
    const empty = change.enable.length + change.disable.length === 0;
    const load = useMemo(() => empty ? null : () => apply(change, true, armed ? CONFIRM_S : 0), [change, armed, empty]);
    const plan = useLive(load, 0);
    const diagnostics = plan.answer?.document.diagnostics ?? [];
    const ready = plan.answer !== null && plan.error === null && plan.answer.status === 0;

    const choose = useCallback((device: Device) => setChange(old => {
        const list = device.owner === "passthru" ? "disable" : "enable";
        const unit = [device.address, ...device.unit];
        const rest = old[list].filter(address => !unit.includes(address));
        return { ...old, [list]: rest.length < old[list].length ? rest : [...old[list], device.address] };
    }), []);

    const run = async () => {
        setRunning(true);
        const outcome = await apply(change, false, armed ? seconds : 0).catch(asError);
        await reload();
        setRunning(false);
        setResult(outcome);
        if (!(outcome instanceof CallError) && outcome.status === 0 && outcome.document.diagnostics.length === 0 &&
            outcome.document.reboot_required !== true && (outcome.document.next ?? []).length === 0)
            onClose();
    };

    const verb = change.choose ? "Apply" : change.enable.length > 0 ? "Enable passthrough" : "Disable passthrough";
    const done = result !== null && !(result instanceof CallError && result.kind === "denied");
    return (
        <Modal isOpen variant="medium" aria-labelledby="dp-change-title" onClose={running ? () => undefined : onClose}>
            <ModalHeader labelId="dp-change-title" title={change.choose ? "Edit PCI devices" : verb}
                description={change.choose ? "Ticked devices are for virtual machines, the others are for the host." : null} />
            <ModalBody tabIndex={0} aria-label="The change">
                {change.choose && !done && !running && <Chooser devices={devices} change={change} onChoose={choose} />}
                {!done && <Consequences devices={devices} chosen={change.enable} enable />}
                {!done && <Consequences devices={devices} chosen={change.disable} enable={false} />}
                {load !== null && plan.answer === null && plan.error === null && <Working what="Making the plan" />}
                {plan.error !== null && <CallAlert error={plan.error} />}
                {!done && plan.answer !== null && !ready && refusals(diagnostics).length > 0 && (
                    <Alert isInline component="h3" variant="danger" title="This is refused, for these reasons" />)}
                {!done && <Diagnostics diagnostics={diagnostics} />}
                {!done && ready && <Part title="Plan"><Steps steps={plan.answer?.document.steps ?? []} seconds={seconds} /></Part>}
                {!done && network && (
                    <div className="dp-confirm">
                        <Checkbox id="dp-confirm" isChecked={confirm} isDisabled={running} onChange={(_event, on) => setConfirm(on)}
                            label="Take it back unless I confirm it in time"
                            description="If the host cannot be reached without this network device, it comes back by itself." />
                        {confirm && (
                            <NumberInput value={typed === "" ? "" : Number(typed)} min={CONFIRM_MIN_S} max={CONFIRM_MAX_S} isDisabled={running} unit="seconds" widthChars={4}
                                inputAriaLabel="Seconds until it is taken back" minusBtnAriaLabel="Fewer seconds" plusBtnAriaLabel="More seconds"
                                onMinus={() => setTyped(String(inTime(seconds - 10)))} onPlus={() => setTyped(String(inTime(seconds + 10)))}
                                onChange={event => setTyped(event.currentTarget.value)} onBlur={() => setTyped(String(seconds))} />)}
                    </div>)}
                {running && <Working what="Changing the owner" />}
                {result instanceof CallError ? <NotChanged error={result} /> : result !== null && <Result outcome={result} change={change} />}
            </ModalBody>
            <ModalFooter>
                {!done && <Button variant="primary" isDisabled={!ready || running} onClick={() => void run()}>{verb}</Button>}
                <Button variant={done ? "primary" : "link"} isDisabled={running} onClick={onClose}>{done ? "Close" : "Cancel"}</Button>
            </ModalFooter>
        </Modal>
    );
}
