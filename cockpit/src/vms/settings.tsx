// SPDX-License-Identifier: GPL-2.0-or-later
// Edit Settings: memory and PCI devices. Nothing is written before Save, and then one edit behind the other.
import { useCallback, useState } from "react";
import { addDevice, type Answer, asError, CallError, removeDevice, setKeys, vmValidate } from "../directpath";
import type { Address, DeviceList, VmEdit, VmValidate } from "../documents";
import { type Live, renewed, useLive } from "../live";
import {
    Alert, Button, Checkbox, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader, TextInput,
} from "../patternfly";
import { CallAlert, Diagnostics } from "../problems";
import { Text, visible } from "../text";
import { Working } from "../ui";
import { ids } from "../devices/state";

interface Draft {
    memory: string;
    unlimited: boolean;
    add: Address[];
    remove: number[];
}

/** What the file says of memory. The last line of a key counts, and keys are the same in any case. */
function memoryOf(report: Partial<VmValidate>) {
    const value = (name: string) => report.keys?.filter(key => key.key.toLowerCase() === name).at(-1)?.value ?? null;
    const limit = value("sched.mem.max");
    return {
        size: value("memsize"), reservation: value("sched.mem.min") ?? value("sched.mem.minsize"), hasMinsize: value("sched.mem.minsize") !== null,
        limit: limit === null || limit === "" || limit.toLowerCase() === "unlimited" || limit.startsWith("-") ? null : limit,
    };
}

/** The edits in the order in which they are made: devices go before devices come, memory last. */
function editsOf(vmx: string, draft: Draft, report: Partial<VmValidate>): { what: string; call: () => Promise<Answer<VmEdit>> }[] {
    const memory = memoryOf(report);
    const devices = (report.passthrough ?? []).length - draft.remove.length + draft.add.length;
    const values: Record<string, string> = {};
    if (draft.unlimited && memory.limit !== null)
        values["sched.mem.max"] = "unlimited";
    if (draft.memory !== (memory.size ?? "")) {
        values["memsize"] = draft.memory;
        // All of the memory of a VM with passed-through devices is reserved.
        if (devices > 0)
            values["sched.mem.min"] = draft.memory;
        if (devices > 0 && memory.hasMinsize)
            values["sched.mem.minsize"] = draft.memory;
    }
    return [
        ...draft.remove.map(index => ({ what: `remove pciPassthru${index}`, call: () => removeDevice(vmx, index) })),
        ...draft.add.map(address => ({ what: `add ${address}`, call: () => addDevice(vmx, address) })),
        ...Object.keys(values).length > 0 ? [{ what: "set the memory", call: () => setKeys(vmx, values) }] : [],
    ];
}

function Memory({ draft, setDraft, report, devices }: { draft: Draft; setDraft: (draft: Draft) => void; report: Partial<VmValidate>; devices: number }) {
    const { limit, reservation } = memoryOf(report);
    return (
        <fieldset className="dp-form">
            <legend>Memory</legend>
            <div>
                <label htmlFor="dp-memory">Size in MB</label>
                <TextInput id="dp-memory" type="number" value={draft.memory} onChange={(_event, value) => setDraft({ ...draft, memory: value })} />
            </div>
            <p>Reservation: {devices > 0 ? `all of it, ${visible(draft.memory)} MB: with a passed-through device all memory is reserved and pinned` :
                reservation === null ? "none" : `${visible(reservation)} MB`}</p>
            {limit === null ? <p>Limit: unlimited</p> : (
                <>
                    <p>Limit: {draft.unlimited ? "unlimited" : `${visible(limit)} MB`}</p>
                    <Checkbox id="dp-unlimited" label="Set the limit to unlimited" isChecked={draft.unlimited}
                        onChange={(_event, on) => setDraft({ ...draft, unlimited: on })} />
                </>)}
        </fieldset>
    );
}

function Devices({ draft, setDraft, report, devices: live }: { draft: Draft; setDraft: (draft: Draft) => void; report: Partial<VmValidate>; devices: Live<DeviceList> }) {
    const [choice, setChoice] = useState("");
    const entries = report.passthrough ?? [];
    const devices = live.answer?.document.devices ?? [];
    const name = (address: Address | null) => devices.find(device => device.address === address)?.name ?? "";
    const has = (address: Address) => draft.add.includes(address) || entries.some(entry => entry.address === address && !draft.remove.includes(entry.index));
    const free = devices.filter(device => device.state === "active" && !has(device.address));
    const offer = live.answer === null ? live.error === null ? "Reading the PCI devices" : "The list of PCI devices could not be read" :
        free.length === 0 ? "No function is enabled and free" : "Choose a function";
    const add = () => {
        setDraft({ ...draft, add: [...draft.add, choice] });
        setChoice("");
    };
    return (
        <fieldset className="dp-form">
            <legend>PCI devices</legend>
            {entries.length + draft.add.length === 0 && <p className="dp-none">It has none.</p>}
            {entries.map(entry => {
                const gone = draft.remove.includes(entry.index);
                return (
                    <div key={entry.index} className="dp-row">
                        <span className={`dp-grow${gone ? " dp-removed" : ""}`}>
                            pciPassthru{entry.index}: <Text>{entry.address ?? "no function of this host"}</Text> <Text>{name(entry.address)}</Text>
                        </span>
                        <Button size="sm" variant="link" aria-label={`${gone ? "Keep" : "Remove"} pciPassthru${entry.index}`}
                            onClick={() => setDraft({ ...draft, remove: gone ? draft.remove.filter(one => one !== entry.index) : [...draft.remove, entry.index] })}>
                            {gone ? "Keep" : "Remove"}
                        </Button>
                    </div>
                );
            })}
            {draft.add.map(address => (
                <div key={address} className="dp-row">
                    <span className="dp-grow">new: <Text>{address}</Text> <Text>{name(address)}</Text></span>
                    <Button size="sm" variant="link" aria-label={`Do not add ${address}`}
                        onClick={() => setDraft({ ...draft, add: draft.add.filter(one => one !== address) })}>Remove</Button>
                </div>))}
            <div>
                <label htmlFor="dp-new-device">New PCI device</label>
                <div className="dp-row">
                    <div className="dp-grow">
                        <FormSelect id="dp-new-device" value={choice} isDisabled={free.length === 0} onChange={(_event, value) => setChoice(value)}>
                            <FormSelectOption value="" label={offer} />
                            {free.map(device => (
                                <FormSelectOption key={device.address} value={device.address} label={`${device.address} ${visible(device.name, 80)} (${ids(device)})`} />))}
                        </FormSelect>
                    </div>
                    <Button variant="secondary" isDisabled={choice === ""} onClick={add}>Add PCI device</Button>
                </div>
            </div>
        </fieldset>
    );
}

interface Progress {
    done: string[];
    failed: { what: string; result: Answer<VmEdit> | CallError } | null;
}

interface SettingsProps {
    vmx: string;
    name: string;
    devices: Live<DeviceList>;
    reload: () => Promise<void>;
    onClose: () => void;
}

export function SettingsDialog({ vmx, name, devices, reload, onClose }: SettingsProps) {
    const load = useCallback(() => vmValidate(vmx), [vmx]);
    const { answer, error, reload: again } = useLive(load, 0);
    const [edited, setDraft] = useState<Draft | null>(null);
    const [busy, setBusy] = useState(false);
    const [progress, setProgress] = useState<Progress | null>(null);
    const report: Partial<VmValidate> = answer?.document ?? {};
    const draft = edited ?? { memory: memoryOf(report).size ?? "", unlimited: false, add: [], remove: [] };
    const edits = answer === null ? [] : editsOf(vmx, draft, report);
    const count = (report.passthrough ?? []).length - draft.remove.length + draft.add.length;
    const sound = draft.memory === (memoryOf(report).size ?? "") || /^[1-9][0-9]{0,8}$/.test(draft.memory);

    const save = async () => {
        setBusy(true);
        const done: string[] = [];
        let failed: Progress["failed"] = null;
        for (const { what, call } of edits) {
            const result = await call().catch(asError);
            if (result instanceof CallError || result.status !== 0) {
                failed = { what, result };
                break;
            }
            done.push(what);
        }
        await renewed(reload(), again());
        setBusy(false);
        setProgress({ done, failed });
        if (failed === null)
            onClose();
        else if (done.length > 0)
            setDraft(null); // the file is another one by now
    };

    return (
        <Modal isOpen variant="medium" aria-labelledby="dp-settings-title" onClose={busy ? () => undefined : onClose}>
            <ModalHeader labelId="dp-settings-title" title="Edit Settings" description={<Text max={120}>{name}</Text>} />
            <ModalBody tabIndex={0} aria-label="Settings">
                {answer === null && (error === null ? <Working what="Reading the file" /> : <CallAlert error={error} />)}
                {answer !== null && report.keys === undefined && <Diagnostics diagnostics={answer.document.diagnostics} />}
                {report.keys !== undefined && (
                    <div className="dp-form">
                        <Memory draft={draft} setDraft={setDraft} report={report} devices={count} />
                        <Devices draft={draft} setDraft={setDraft} report={report} devices={devices} />
                    </div>)}
                {busy && <Working what="Writing" />}
                {progress?.failed != null && (
                    <>
                        <Alert isInline component="h3" variant="danger" title={`Not done: ${visible(progress.failed.what)}`}>
                            {progress.done.length > 0 && <p>Done before it: {visible(progress.done.join(", "))}.</p>}
                        </Alert>
                        {progress.failed.result instanceof CallError ? <CallAlert error={progress.failed.result} /> :
                            <Diagnostics diagnostics={progress.failed.result.document.diagnostics} />}
                    </>)}
            </ModalBody>
            <ModalFooter>
                <Button variant="primary" isDisabled={busy || edits.length === 0 || !sound} onClick={() => void save()}>Save</Button>
                <Button variant="link" isDisabled={busy} onClick={onClose}>Cancel</Button>
            </ModalFooter>
        </Modal>
    );
}
