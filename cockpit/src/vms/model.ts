// SPDX-License-Identifier: GPL-2.0-or-later
// One list of the VMs that run and those that are registered. Pure.
import type { Address, VmList } from "../documents";

export interface VmRow {
    /** Path of the VMX; without one, what names a VM that runs. As an address can have it: a lone half of a character cannot. */
    key: string;
    vmx: string | null;
    name: string;
    state: string;
    devices: Address[];
    registered: boolean;
    /** False: its file cannot be read. */
    present: boolean | null;
    /** Its place in the order of starts with the host; null: it does not start with it. */
    order: number | null;
}

const wellFormed = (text: string) => text.replace(/\p{Cs}/gu, "\uFFFD");

export function vmsOf(list: Partial<VmList>): VmRow[] {
    const rows = new Map<string, VmRow>();
    for (const { vmx, name, state, present, order } of list.registered ?? [])
        rows.set(wellFormed(vmx), { key: wellFormed(vmx), vmx, name: name ?? vmx, state, devices: [], registered: true, present, order });
    for (const { id, vmx, name, state, devices } of list.vms ?? []) {
        const key = wellFormed(vmx ?? id);
        const old = rows.get(key);
        rows.set(key, {
            key, vmx, name: name ?? old?.name ?? key, state, devices, registered: old !== undefined,
            present: old?.present ?? null, order: old?.order ?? null,
        });
    }
    return [...rows.values()];
}

const SAID = / (the VM was not started: |the engine has ended: |error DP|GUEST_PANICKED|BLOCK_IO_ERROR|engine: )|IOMMU fault/;

/** What the log says of trouble in its run and of its end, the last of it. */
export function saidIn(log: string): string[] {
    return log.split("\n").filter(line => SAID.test(line)).slice(-5);
}
