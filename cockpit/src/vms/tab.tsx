// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual machines: the list above, the chosen one below.
import { useMemo, useState } from "react";
import { type Answer, asError, CallError, powerOff, powerOn, registerVm, shutDown } from "../directpath";
import type { DeviceList, Diagnostic, VmList } from "../documents";
import type { Live } from "../live";
import {
    Button, CheckCircleIcon, EmptyState, EmptyStateBody, ExclamationTriangleIcon, PowerOffIcon, VirtualMachineIcon,
} from "../patternfly";
import { lasting } from "../notices";
import { Diagnostics, NoAnswer, NotUpToDate } from "../problems";
import { Text, visible } from "../text";
import { Grid, NotThere, Working } from "../ui";
import { VmDetails } from "./details";
import { type VmRow, vmsOf } from "./model";
import { RegisterDialog } from "./register";

const states: Record<string, { word: string; icon: typeof CheckCircleIcon; style: string }> = {
    off: { word: "Off", icon: PowerOffIcon, style: "unavailable" },
    starting: { word: "Starting", icon: ExclamationTriangleIcon, style: "reboot-required" },
    running: { word: "Running", icon: CheckCircleIcon, style: "active" },
    stopping: { word: "Stopping", icon: ExclamationTriangleIcon, style: "reboot-required" },
};

export function VmState({ vm }: { vm: VmRow }) {
    const { word, icon: Icon, style } = states[vm.state] ?? { word: visible(vm.state), icon: ExclamationTriangleIcon, style: "" };
    return <span className={`dp-state dp-state-${style}`}><Icon /> <span>{word}{vm.present === false && ", its file cannot be read"}</span></span>;
}

export type Power = "Power on" | "Shut down" | "Power off";

const calls: Record<Power, (vmx: string) => Promise<Answer<unknown>>> = {
    "Power on": powerOn, "Shut down": shutDown, "Power off": powerOff,
};
const doing: Record<Power, string> = {
    "Power on": "Powering on", "Shut down": "Asking the guest to shut down", "Power off": "Powering off",
};

/** What is under way with a VM, or what came of it; kept while another one is looked at. */
export interface PowerStatus {
    working: string | null;
    result: { verb: Power; status: number; diagnostics: Diagnostic[] } | CallError | null;
}

export interface PowerControl {
    of: (vmx: string) => PowerStatus;
    act: (vmx: string, verb: Power) => void;
}

/** What is under way outlives the tab that shows it. */
export function usePower(reload: () => Promise<void>): PowerControl {
    const [power, setPower] = useState<Record<string, PowerStatus>>({});
    const act = async (vmx: string, verb: Power) => {
        const set = (status: PowerStatus) => setPower(old => ({ ...old, [vmx]: status }));
        set({ working: doing[verb], result: null });
        const result = await calls[verb](vmx).then(
            ({ status, document }) => ({ verb, status, diagnostics: document.diagnostics }),
            asError);
        await reload();
        set({ working: null, result });
    };
    return { of: vmx => power[vmx] ?? { working: null, result: null }, act: (vmx, verb) => void act(vmx, verb) };
}

interface VmsTabProps {
    power: PowerControl;
    vms: Live<VmList>;
    devices: Live<DeviceList>;
    chosen: string | null;
    reload: () => Promise<void>;
}

export function VmsTab({ power, vms, devices, chosen, reload }: VmsTabProps) {
    const [registering, setRegistering] = useState(false);
    const rows = useMemo(() => vmsOf(vms.answer?.document ?? {}), [vms.answer]);
    if (vms.answer === null)
        return vms.error !== null ? <NoAnswer error={vms.error} retry={() => void reload()} /> : <div className="dp-host"><Working what="Reading the list of VMs" /><NotUpToDate of={vms} /></div>;

    const vm = rows.find(row => row.key === chosen);
    return (
        <div className="dp-split">
            <NotUpToDate of={vms} />
            <Diagnostics diagnostics={lasting(vms.answer.document.diagnostics)} />
            <div className="dp-toolbar">
                <Button variant="secondary" onClick={() => setRegistering(true)}>Register a VM</Button>
                <div className="dp-found">{rows.length === 1 ? "1 VM" : `${rows.length} VMs`}</div>
            </div>
            <div className="dp-upper dp-few">
                {rows.length === 0 ? (
                    <EmptyState headingLevel="h2" titleText="No virtual machine" icon={VirtualMachineIcon} variant="sm">
                        <EmptyStateBody>None is registered on this host, and none runs.</EmptyStateBody>
                    </EmptyState>) : (
                    <Grid label="Virtual machines" columns={["Name", "State", "Devices", "Starts with the host", "File"]} empty=""
                        rows={rows.map(row => ({
                            key: row.key,
                            selected: row.key === chosen,
                            cells: [
                                <Button key="n" variant="link" isInline onClick={() => cockpit.location.go(["vms", row.key])}><Text max={120}>{row.name}</Text></Button>,
                                <VmState key="s" vm={row} />,
                                row.devices.length > 0 ? <Text key="d">{row.devices.join(", ")}</Text> : row.state === "off" ? "" : "none",
                                row.order === null ? "no" : `yes, number ${row.order}`,
                                <Text key="f">{row.vmx}</Text>,
                            ],
                        }))} />)}
            </div>
            {vm !== undefined && vm.vmx !== null && (
                <VmDetails key={vm.key} vm={vm} vmx={vm.vmx} power={power.of(vm.vmx)}
                    devices={devices} reload={reload}
                    onPower={verb => power.act(vm.vmx ?? "", verb)} onClose={() => cockpit.location.go(["vms"])} />)}
            {chosen !== null && vm === undefined && (
                <NotThere what={chosen} onClose={() => cockpit.location.go(["vms"])}>
                    No such VM runs here, and none is registered with this file. It was taken from the list meanwhile, or has ended.
                </NotThere>)}
            {registering && <RegisterDialog register={registerVm} reload={reload} onClose={() => setRegistering(false)} />}
        </div>
    );
}
