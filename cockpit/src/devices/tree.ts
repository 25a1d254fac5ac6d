// SPDX-License-Identifier: GPL-2.0-or-later
// Functions in the order and depth in which the table shows them. Pure.
import type { Address, Device } from "../documents";

export type Grouping = "bridge" | "group";

export interface TreeRow {
    /** Unique, and the same as long as it is the same thing. */
    id: string;
    level: number;
    /** Ids of the rows above it. */
    above: string[];
    /** A function that can be assigned, or null: a heading. */
    device: Device | null;
    /** Of a heading. */
    title: string;
    detail: string;
    /** How many functions are below a heading. */
    count: number;
}

export interface Filter {
    text: string;
    state: string;
}

function heading(id: string, above: string[], title: string, detail: string): TreeRow {
    return { id, level: above.length + 1, above, device: null, title, detail, count: 0 };
}

function byBridge(devices: Device[]): TreeRow[] {
    const names = new Map(devices.map(device => [device.address, device.name]));
    const rows: TreeRow[] = [], headings = new Map<Address, TreeRow>();
    const sorted = devices.filter(device => device.assignable)
        .map(device => ({ device, key: device.path.join(" ") }))
        .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    for (const { device } of sorted) {
        const above: string[] = [];
        for (const bridge of device.path.slice(0, -1)) {
            let row = headings.get(bridge);
            if (row === undefined) {
                row = heading(`bridge ${bridge}`, [...above], bridge, names.get(bridge) ?? "");
                headings.set(bridge, row);
                rows.push(row);
            }
            row.count++;
            above.push(row.id);
        }
        rows.push({ id: device.address, level: above.length + 1, above, device, title: "", detail: "", count: 0 });
    }
    return rows;
}

function byGroup(devices: Device[]): TreeRow[] {
    const groups = new Map<number, Device[]>();
    for (const device of devices.filter(one => one.assignable)) {
        const number = device.iommu_group ?? -1;
        groups.set(number, [...groups.get(number) ?? [], device]);
    }
    return [...groups].sort(([a], [b]) => a - b).flatMap(([number, members]) => {
        const row = heading(`group ${number}`, [], number < 0 ? "No IOMMU group" : `IOMMU group ${number}`,
                            members.length > 1 ? "its functions go together" : "");
        row.count = members.length;
        return [row, ...members.map(device => (
            { id: device.address, level: 2, above: [row.id], device, title: "", detail: "", count: 0 }))];
    });
}

export function treeOf(devices: Device[], grouping: Grouping): TreeRow[] {
    return grouping === "bridge" ? byBridge(devices) : byGroup(devices);
}

const haystacks = new WeakMap<Device, string>();

/** What a search looks through. Answers keep what has not changed, so it is made once. */
function haystack(device: Device): string {
    let text = haystacks.get(device);
    if (text === undefined) {
        text = [device.name, device.address, device.esx_address, device.vmx_id, `${device.vendor_id}:${device.device_id}`,
                device.driver ?? "", device.vmkname ?? "", ...device.host_names, device.used_by ?? "", device.state]
            .join("\n").toLowerCase();
        haystacks.set(device, text);
    }
    return text;
}

/** Ids of the rows that pass: each word must be found; a heading passes with what is below it. */
export function passing(rows: TreeRow[], filter: Filter): Set<string> {
    const words = filter.text.toLowerCase().split(/\s+/).filter(word => word !== "");
    const ids = new Set<string>();
    for (const row of rows) {
        if (row.device === null || (filter.state !== "" && row.device.state !== filter.state))
            continue;
        const text = words.length > 0 ? haystack(row.device) : "";
        if (words.every(word => text.includes(word))) {
            ids.add(row.id);
            row.above.forEach(id => ids.add(id));
        }
    }
    return ids;
}
