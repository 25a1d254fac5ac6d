// SPDX-License-Identifier: GPL-2.0-or-later
// One VM: how it does, what it has, what its file becomes here.
import { useCallback, useState } from "react";
import { asError, CallError, unregisterVm, vmLog, vmStatus, vmValidate } from "../directpath";
import type { DeviceList, Diagnostic, VmStatus, VmValidate } from "../documents";
import { type Live, renewed, useLive } from "../live";
import { Alert, Button, Modal, ModalBody, ModalFooter, ModalHeader, TimesIcon } from "../patternfly";
import { lasting } from "../notices";
import { CallAlert, Diagnostics, NotChanged, NotUpToDate } from "../problems";
import { Lines, Text, visible } from "../text";
import { Fields, Grid, Part, Working } from "../ui";
import { Console } from "./console";
import { saidIn, type VmRow } from "./model";
import { SettingsDialog } from "./settings";
import { type Power, type PowerStatus, VmState } from "./tab";
import { Validation } from "./validation";

const modes: Record<string, string> = { msix: "MSI-X", msi: "MSI", intx: "INTx", none: "none" };
const mode = (word: string | null) => word === null ? "unknown" : modes[word] ?? word;

function Facts({ vm, status }: { vm: VmRow; status: Partial<VmStatus> }) {
    const number = (value: number | undefined, unit: string) => value === undefined || value < 0 ? null : `${value.toLocaleString("en")} ${unit}`;
    const { page_kib: page } = status;
    return (
        <Fields of={[
            ["State", <VmState key="s" vm={vm} />],
            ["File", <Text key="f">{vm.vmx}</Text>],
            ["Guest", status.engine_status == null ? null : <Text key="e">{status.engine_status}</Text>],
            ["Started", status.started == null ? null : <Text key="t">{status.started}</Text>],
            ["Memory", number(status.memory_mib, "MiB")],
            ["Pinned for devices", number(status.locked_kib, "KiB")],
            ["Pages", page === undefined ? null : page === 0 ? "ordinary" : `huge, ${page.toLocaleString("en")} KiB`],
            ["Display", status.vnc == null ? null : <Text key="v">{status.vnc}</Text>],
            ["Engine", status.pid == null ? null : `process ${status.pid}, user ${status.uid ?? "unknown"}`],
            ["Log", status.log == null ? null : <Text key="l">{status.log}</Text>],
        ]} />
    );
}

function Interrupts({ status }: { status: Partial<VmStatus> }) {
    if (status.devices === undefined)
        return null;
    return (
        <Part title="Passed-through devices">
            <Grid label="Passed-through devices" empty="None."
                columns={["Device", "Function", "In the guest", "Reset", "Interrupts on the host", "in the guest", "Shared with"]}
                rows={status.devices.map(device => ({
                    key: String(device.index),
                    cells: [
                        `pciPassthru${device.index}`, <Text key="a">{device.address}</Text>,
                        device.guest_function === null ? `slot ${device.slot}` : <Text key="g">{device.guest_function}</Text>,
                        <Text key="r">{device.reset}</Text>,
                        `${mode(device.interrupt_mode)}, ${device.interrupts.reduce((sum, one) => sum + one.count, 0).toLocaleString("en")} came`,
                        mode(device.guest_interrupt_mode), <Text key="l">{device.line_users.join(", ")}</Text>,
                    ],
                }))} />
        </Part>
    );
}

function Unavailable({ status }: { status: Partial<VmStatus> }) {
    const list = status.unavailable ?? [];
    return list.length === 0 ? null : (
        <Part title="Not available with passthrough">
            <ul>{list.map(one => <li key={one.feature}><Text>{one.feature}</Text>: <Text max={1000}>{one.reason}</Text></li>)}</ul>
        </Part>
    );
}

/** What is asked for is not there. */
const NO_LOG = "DP9005";

function LastRun({ vmx, state, status }: { vmx: string; state: string; status: Partial<VmStatus> }) {
    // Asked again when its state changes: a run that ends has written its last lines.
    const load = useCallback(() => (void state, vmLog(vmx)), [vmx, state]);
    const live = useLive(load, 0);
    const { answer, error } = live;
    const log = answer?.document.log ?? "";
    const none = error?.diagnostics.some(one => one.id === NO_LOG) === true;
    const faults = status.dma_faults ?? null;
    const said = saidIn(log);
    return (
        <Part title="Last run">
            {faults !== null && (
                <Alert isInline component="h4" variant="danger" title={`DMA outside its memory was refused ${faults.count === 1 ? "once" : `${faults.count} times`}`}>
                    <p><Text>{faults.device}</Text>: <Text>{faults.access}</Text> at <Text>{faults.address}</Text>, <Text>{faults.time}</Text>.
                        {faults.powered_off && " The VM was powered off for it."}</p>
                </Alert>)}
            {said.length > 0 && <><h4>{state === "off" ? "How it ended" : "What was said of it so far"}</h4><Lines>{said.join("\n")}</Lines></>}
            {error === null && <NotUpToDate of={live} />}
            {answer === null && error === null && <Working what="Reading the log" />}
            {error !== null && !none && <CallAlert error={error} title="The log cannot be shown" />}
            {(none || answer !== null && log === "") && <p className="dp-none">It has no log: it has not run here.</p>}
            {log !== "" && (
                <details><summary>Log</summary><Lines>{log}</Lines></details>)}
        </Part>
    );
}

/** Of a status that is not 0. */
const outcomes: Record<number, string> = { 1: "refused", 4: "done, but not in every part" };

function PowerResult({ power }: { power: PowerStatus }) {
    const { result } = power;
    if (result === null)
        return null;
    if (result instanceof CallError)
        return <NotChanged error={result} />;
    return (
        <>
            {result.status !== 0 && <Alert isInline component="h3" variant="danger" title={`${result.verb}: ${outcomes[result.status] ?? "failed"}`} />}
            <Diagnostics diagnostics={result.diagnostics} />
        </>
    );
}

function AskPowerOff({ vm, onDo, onClose }: { vm: VmRow; onDo: () => void; onClose: () => void }) {
    return (
        <Modal isOpen variant="small" aria-labelledby="dp-off-title" onClose={onClose}>
            <ModalHeader labelId="dp-off-title" titleIconVariant="warning" title="Power off?" />
            <ModalBody><Text>{vm.name}</Text> ends at once, as if its plug were pulled. What its guest has not written is lost.</ModalBody>
            <ModalFooter>
                <Button variant="danger" onClick={() => { onClose(); onDo(); }}>Power off</Button>
                <Button variant="link" onClick={onClose}>Cancel</Button>
            </ModalFooter>
        </Modal>
    );
}

function AskUnregister({ vm, onDo, onClose }: { vm: VmRow; onDo: () => void; onClose: () => void }) {
    return (
        <Modal isOpen variant="small" aria-labelledby="dp-unregister-title" onClose={onClose}>
            <ModalHeader labelId="dp-unregister-title" title="Unregister?" />
            <ModalBody>
                <Text>{vm.name}</Text> is taken from this host's list{vm.order !== null && ", and does not start with the host any more"}. Its file
                stays as it is: <Text>{vm.vmx}</Text>
            </ModalBody>
            <ModalFooter>
                <Button variant="primary" onClick={() => { onClose(); onDo(); }}>Unregister</Button>
                <Button variant="link" onClick={onClose}>Cancel</Button>
            </ModalFooter>
        </Modal>
    );
}

interface DetailsProps {
    vm: VmRow;
    vmx: string;
    power: PowerStatus;
    devices: Live<DeviceList>;
    reload: () => Promise<void>;
    onPower: (verb: Power) => void;
    onClose: () => void;
}

function Failed({ live }: { live: Live<unknown> }) {
    if (live.error !== null)
        return <CallAlert error={live.error} />;
    return (
        <>
            <NotUpToDate of={live} />
            {live.answer !== null && live.answer.status !== 0 && <Diagnostics diagnostics={live.answer.document.diagnostics} />}
        </>
    );
}

export function VmDetails({ vm, vmx, power, devices, reload, onPower, onClose }: DetailsProps) {
    const [dialog, setDialog] = useState<"settings" | "off" | "unregister" | null>(null);
    const [left, setLeft] = useState<CallError | Diagnostic[]>([]);
    const loadStatus = useCallback(() => vmStatus(vmx), [vmx]);
    const loadValidation = useCallback(() => (void vm.state, vmValidate(vmx)), [vmx, vm.state]);
    const status = useLive(loadStatus, 5);
    const validation: Live<VmValidate> = useLive(loadValidation, 0);
    const document: Partial<VmStatus> = status.answer?.document ?? {};
    const off = vm.state === "off";
    const busy = power.working !== null;
    const reloadAll = () => renewed(reload(), status.reload(), validation.reload());
    const unregister = async () => {
        setLeft([]);
        const answer = await unregisterVm(vmx).catch(asError);
        await reload();
        if (answer instanceof CallError || answer.status !== 0)
            setLeft(answer instanceof CallError ? answer : answer.document.diagnostics);
        else
            onClose();
    };
    return (
        <section className="dp-lower" aria-label={`Details of ${visible(vm.name, 60)}`}>
            <header className="dp-lower-head">
                <h2><Text max={120}>{vm.name}</Text></h2>
                <Button size="sm" variant="primary" isDisabled={!off || busy} onClick={() => onPower("Power on")}>Power on</Button>
                <Button size="sm" variant="secondary" isDisabled={off || busy} onClick={() => onPower("Shut down")}>Shut down</Button>
                <Button size="sm" variant="danger" isDisabled={off} onClick={() => setDialog("off")}>Power off</Button>
                <Button size="sm" variant="secondary" onClick={() => setDialog("settings")}>Edit Settings</Button>
                {vm.registered && <Button size="sm" variant="link" isDisabled={!off || busy} onClick={() => setDialog("unregister")}>Unregister</Button>}
                <Button size="sm" variant="plain" aria-label="Close details" icon={<TimesIcon />} onClick={onClose} />
            </header>
            <div className="dp-lower-body" tabIndex={0} role="group" aria-label="Details">
                {power.working !== null && <Working key={power.working} what={power.working} />}
                <PowerResult power={power} />
                {left instanceof CallError ? <CallAlert error={left} /> : <Diagnostics diagnostics={left} />}
                <Failed live={status} />
                {document.vmx_changed === true && <Alert isInline component="h3" variant="info" title="Its file was changed since: that takes effect at the next power-on" />}
                <Part title="Virtual machine"><Facts vm={vm} status={document} /></Part>
                {status.answer?.status === 0 && <Diagnostics diagnostics={lasting(document.diagnostics ?? [])} />}
                <Interrupts status={document} />
                <Unavailable status={document} />
                {document.vnc != null && <Console vmx={vmx} name={vm.name} />}
                <LastRun vmx={vmx} state={vm.state} status={document} />
                <Part title="What becomes of its file here">
                    {validation.error !== null ? <CallAlert error={validation.error} /> : <NotUpToDate of={validation} />}
                    {validation.answer === null && validation.error === null && <Working what="Validating" />}
                    {validation.answer !== null && <Validation report={validation.answer.document} />}
                </Part>
            </div>
            {dialog === "off" && <AskPowerOff vm={vm} onDo={() => onPower("Power off")} onClose={() => setDialog(null)} />}
            {dialog === "unregister" && <AskUnregister vm={vm} onDo={() => void unregister()} onClose={() => setDialog(null)} />}
            {dialog === "settings" && <SettingsDialog vmx={vmx} name={vm.name} devices={devices} reload={reloadAll} onClose={() => setDialog(null)} />}
        </section>
    );
}
