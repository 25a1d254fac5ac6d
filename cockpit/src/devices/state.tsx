// SPDX-License-Identifier: GPL-2.0-or-later
// The state of a function, by icon and word.
import { BanIcon, CheckCircleIcon, ExclamationTriangleIcon, OutlinedCircleIcon, VirtualMachineIcon } from "../patternfly";
import type { ComponentType } from "react";
import type { Device } from "../documents";
import { Text, visible } from "../text";

export const states: Record<string, { word: string; icon: ComponentType }> = {
    "active": { word: "Active", icon: CheckCircleIcon },
    "reboot-required": { word: "Reboot required", icon: ExclamationTriangleIcon },
    "in-use": { word: "In use", icon: VirtualMachineIcon },
    "available": { word: "Available", icon: OutlinedCircleIcon },
    "unavailable": { word: "Unavailable", icon: BanIcon },
};

export function State({ device }: { device: Pick<Device, "state" | "used_by"> }) {
    const known = states[device.state];
    const Icon = known?.icon;
    return (
        <span className={known === undefined ? "dp-state" : `dp-state dp-state-${device.state}`}>
            {Icon !== undefined && <Icon />}
            <span>
                {known?.word ?? visible(device.state)}
                {device.state === "in-use" && device.used_by !== null && <> by <Text max={60}>{device.used_by}</Text></>}
            </span>
        </span>
    );
}

/** Who has it on the host now: its driver, and what the host calls it. */
export function HostUser({ device }: { device: Pick<Device, "driver" | "host_names" | "vmkname"> }) {
    const names = device.host_names.slice(0, 6);
    return (
        <>
            {device.driver === null ? <span className="dp-none">no driver</span> : <Text max={60}>{device.driver}</Text>}
            {names.length > 0 && <>: <Text max={120}>{names.join(", ") + (device.host_names.length > 6 ? ", \u2026" : "")}</Text></>}
            {device.vmkname !== null && <small> (ESX: <Text max={40}>{device.vmkname}</Text>)</small>}
        </>
    );
}

export const ids = (device: Pick<Device, "vendor_id" | "device_id">): string =>
    visible(`${device.vendor_id ?? "????"}:${device.device_id ?? "????"}`, 20);
