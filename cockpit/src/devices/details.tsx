// SPDX-License-Identifier: GPL-2.0-or-later
// One function, whole.
import { Button, TimesIcon } from "../patternfly";
import { useCallback } from "react";
import { showDevice } from "../directpath";
import type { Device, DeviceShow, Diagnostic } from "../documents";
import { useLive } from "../live";
import { lasting, textOf } from "../notices";
import { Diagnostics, NotUpToDate } from "../problems";
import { Text, visible } from "../text";
import { Fields, Grid, Part, size, Working, YesNo } from "../ui";
import type { Change } from "./change";
import { HostUser, ids, State } from "./state";

type Full = DeviceShow["device"];

const resets: Record<string, string> = {
    "device-specific": "specific to the device", "flr": "Function Level Reset", "bus": "of the bus", "pm": "D3hot to D0", "none": "none",
};
const reset = (method: string | null) => method === null ? "unknown" : resets[method] ?? method;

const rules: Record<string, string> = { "self": "the function itself" };
const PINS = ["none", "INTA", "INTB", "INTC", "INTD"];

function Identity({ device, full }: { device: Device; full: Full | null }) {
    return (
        <Fields of={[
            ["State", <State key="state" device={device} />],
            ["Address", <Text key="address">{device.address}</Text>],
            ["Address on ESX", <><Text>{device.esx_address}</Text> (in a VMX: <Text>{device.vmx_id}</Text>)</>],
            ["Ids", <>{ids(device)}, subsystem {ids({ vendor_id: device.subsystem_vendor_id, device_id: device.subsystem_device_id })}
                {full !== null && <>, revision {full.revision}</>}</>],
            ["Class", full?.class_name != null ? <Text>{full.class_name}</Text> : visible(device.class)],
            ["Owner", <>{device.owner === "passthru" ? "passthrough" : "host"}
                {full?.owned_through != null && <>, through the bridge <Text>{full.owned_through}</Text></>}</>],
            ["On the host", <HostUser key="host" device={device} />],
            ["IOMMU group", device.iommu_group ?? "none"],
            ["Path", <Text key="path">{device.path.join(" \u203a ")}</Text>],
            ["Support", device.support === "unlisted" ? "not on VMware's lists" : `${visible(device.support)} by VMware's lists`],
        ]} />
    );
}

function Abilities({ full }: { full: Full }) {
    const caps = full.capabilities;
    const vectors = (count: number | null) => count === null ? "" : count === 1 ? ", 1 vector" : `, ${count} vectors`;
    return (
        <Part title="Capabilities">
            <Fields of={[
                ["PCI Express", <YesNo key="pcie" value={caps.pcie} more={caps.pcie_type !== null ? `, ${caps.pcie_type}` : ""} />],
                ["Function Level Reset", <YesNo key="flr" value={caps.flr} />],
                ["Power management", <YesNo key="pm" value={caps.pm} more={caps.no_soft_reset === true ? ", without a reset" : ""} />],
                ["MSI", <YesNo key="msi" value={caps.msi} more={vectors(caps.msi_vectors)} />],
                ["MSI-X", <YesNo key="msix" value={caps.msix} more={vectors(caps.msix_vectors)} />],
                ["ACS", <YesNo key="acs" value={caps.acs} />],
                ["SR-IOV", <YesNo key="sriov" value={caps.sriov} />],
            ]} />
        </Part>
    );
}

function ResetAndInterrupts({ full }: { full: Full }) {
    const { available, affected } = full.reset;
    return (
        <Part title="Reset and interrupts">
            <Fields of={[
                ["Reset method", <Text key="method">{reset(full.reset.method)}</Text>],
                ["Asked for by passthru.map", <Text key="policy">{full.reset.policy}</Text>],
                ["Could be", available === null ? "unknown" : <Text key="available">{available.map(reset).join(", ") || "none"}</Text>],
                ["Resets", affected === undefined ? null : <Text key="affected">{affected.join(", ") || "nothing"}</Text>],
                ["Interrupt line", full.irq.line ?? "none"],
                ["Pin", full.irq.pin === null ? "unknown" : PINS[full.irq.pin] ?? full.irq.pin],
                ["Vectors in use", full.irq.vectors],
                ["Power state", visible(full.power_state)],
                ["NUMA node", full.numa_node ?? "none"],
            ]} />
        </Part>
    );
}

function Unit({ full, devices }: { full: Full; devices: Device[] }) {
    const names = new Map(devices.map(device => [device.address, device.name]));
    return (
        <Part title="Unit: what changes hands together">
            <Grid label="Unit" columns={["Function", "Name", "Why"]} empty="Nothing."
                rows={full.unit_members.map(member => ({
                    key: member.address,
                    cells: [
                        <Text key="a">{member.address}</Text>, <Text key="n">{names.get(member.address) ?? ""}</Text>,
                        <><Text>{rules[member.rule] ?? member.rule}</Text>{member.because_of !== null && <>, with <Text>{member.because_of}</Text></>}</>,
                    ],
                }))} />
        </Part>
    );
}

function Bars({ full }: { full: Full }) {
    return (
        <Part title="BARs">
            <Grid label="BARs" columns={["BAR", "Type", "Address", "Size"]} empty="It has none."
                rows={full.bars.map(bar => ({
                    key: String(bar.index),
                    cells: [
                        bar.index === 6 ? "ROM" : bar.index,
                        bar.type === "io" ? "I/O ports" : `memory${bar["64bit"] ? ", 64 bit" : ""}${bar.prefetchable ? ", prefetchable" : ""}`,
                        <Text key="a">{bar.address}</Text>, size(bar.size),
                    ],
                }))} />
        </Part>
    );
}

interface DetailsProps {
    device: Device;
    devices: Device[];
    /** What is told above already. */
    told: Diagnostic[];
    onChange: (change: Change) => void;
    onClose: () => void;
}

export function DeviceDetails({ device, devices, told, onChange, onClose }: DetailsProps) {
    const load = useCallback(() => showDevice(device.address), [device.address]);
    const live = useLive(load, 10);
    const { answer, error } = live;
    const full = answer?.document.device ?? null;
    const known = new Set(told.map(textOf));
    const also = lasting(answer?.document.diagnostics ?? []).filter(one => !known.has(textOf(one)));
    return (
        <section className="dp-lower" aria-label={`Details of ${visible(device.address)}`}>
            <header className="dp-lower-head">
                <h2><Text>{device.name}</Text></h2>
                {device.owner === "host" ?
                    <Button variant="primary" size="sm" onClick={() => onChange({ enable: [device.address], disable: [], choose: false })}>
                        Enable passthrough
                    </Button> :
                    <Button variant="secondary" size="sm" onClick={() => onChange({ enable: [], disable: [device.address], choose: false })}>
                        Disable passthrough
                    </Button>}
                <Button variant="plain" size="sm" aria-label="Close details" icon={<TimesIcon />} onClick={onClose} />
            </header>
            <div className="dp-lower-body" tabIndex={0} role="group" aria-label="Details">
                <Diagnostics diagnostics={[...full?.diagnostics ?? device.diagnostics, ...also]} />
                <NotUpToDate of={live} />
                <Part title="Device"><Identity device={device} full={full} /></Part>
                {answer === null && error === null && <Working what="Reading" />}
                {full !== null && (
                    <>
                        <Unit full={full} devices={devices} />
                        <ResetAndInterrupts full={full} />
                        <Abilities full={full} />
                        <Bars full={full} />
                    </>)}
            </div>
        </section>
    );
}
