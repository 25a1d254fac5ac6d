// SPDX-License-Identifier: GPL-2.0-or-later
// PCI devices: the table above, the chosen function below.
import {
    Button, EmptyState, EmptyStateBody, FormSelect, FormSelectOption, SearchIcon, SearchInput, Skeleton,
} from "../patternfly";
import { useCallback, useMemo, useState } from "react";
import type { DeviceList, Diagnostic } from "../documents";
import type { Live } from "../live";
import { lasting } from "../notices";
import { Diagnostics, NoAnswer, NotUpToDate } from "../problems";
import { NotThere } from "../ui";
import { type Change, ChangeDialog } from "./change";
import { DeviceDetails } from "./details";
import { states } from "./state";
import { DeviceTable } from "./table";
import { type Grouping, passing, treeOf } from "./tree";

interface DevicesTabProps {
    devices: Live<DeviceList>;
    chosen: string | null;
    reload: () => Promise<void>;
}

const select = (address: string) => cockpit.location.go(["devices", address]);

/** Why no function of this host can be passed through, if that is so, and what else is amiss with the host as a whole. */
function HostProblems({ diagnostics }: { diagnostics: Diagnostic[] }) {
    const list = lasting(diagnostics).filter(one => one.severity !== "note");
    return list.length === 0 ? null : <Diagnostics diagnostics={list} />;
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
    return (
        <EmptyState headingLevel="h2" titleText={filtered ? "Nothing is found" : "No PCI function"} icon={SearchIcon} variant="sm">
            <EmptyStateBody>
                {filtered ? <Button variant="link" onClick={clear}>Clear the filter</Button> :
                    "This host has no PCI function that could be passed through."}
            </EmptyStateBody>
        </EmptyState>
    );
}

export function DevicesTab({ devices, chosen, reload }: DevicesTabProps) {
    const [text, setText] = useState("");
    const [state, setState] = useState("");
    const [grouping, setGrouping] = useState<Grouping>("bridge");
    const [change, setChange] = useState<Change | null>(null);
    const list = devices.answer?.document.devices;
    const rows = useMemo(() => treeOf(list ?? [], grouping), [list, grouping]);
    const found = useMemo(() => passing(rows, { text, state }), [rows, text, state]);
    const onSelect = useCallback(select, []);
    const clear = () => { setText(""); setState(""); };

    if (devices.answer === null)
        return devices.error !== null ? <NoAnswer error={devices.error} retry={() => void reload()} /> :
            <div className="dp-loading"><NotUpToDate of={devices} /><Skeleton screenreaderText="Reading the PCI devices" /><Skeleton width="80%" /><Skeleton width="60%" /></div>;

    const filtered = text.trim() !== "" || state !== "";
    const device = list?.find(one => one.address === chosen);
    return (
        <div className="dp-split">
            <NotUpToDate of={devices} />
            <HostProblems diagnostics={devices.answer.document.diagnostics} />
            <div className="dp-toolbar">
                <div className="dp-search">
                    <SearchInput aria-label="Search" placeholder="Name, ids, address, driver" value={text}
                        onChange={(_event, value) => setText(value)} onClear={() => setText("")} />
                </div>
                <div className="dp-select">
                    <FormSelect aria-label="State" value={state} onChange={(_event, value) => setState(value)}>
                        <FormSelectOption value="" label="Every state" />
                        {Object.entries(states).map(([value, { word }]) => <FormSelectOption key={value} value={value} label={word} />)}
                    </FormSelect>
                </div>
                <div className="dp-select">
                    <FormSelect aria-label="Order" value={grouping} onChange={(_event, value) => setGrouping(value as Grouping)}>
                        <FormSelectOption value="bridge" label="By bridge" />
                        <FormSelectOption value="group" label="By IOMMU group" />
                    </FormSelect>
                </div>
                <Button variant="secondary" onClick={() => setChange({ enable: [], disable: [], choose: true })}>Edit</Button>
                <div className="dp-found" role="status">
                    {rows.filter(row => row.device !== null && found.has(row.id)).length} of {rows.filter(row => row.device !== null).length}
                </div>
            </div>
            <div className="dp-upper">
                <DeviceTable rows={rows} passing={found} filtered={filtered} selected={chosen} onSelect={onSelect} />
                {found.size === 0 && <Nothing filtered={filtered} clear={clear} />}
            </div>
            {device !== undefined && (
                <DeviceDetails key={device.address} device={device} devices={list ?? []} told={devices.answer.document.diagnostics} onChange={setChange}
                    onClose={() => cockpit.location.go(["devices"])} />)}
            {chosen !== null && device === undefined && (
                <NotThere what={chosen} onClose={() => cockpit.location.go(["devices"])}>
                    There is no such function on this host, or not any more. A card that is stored and gone is told of above.
                </NotThere>)}
            {change !== null && <ChangeDialog devices={list ?? []} change={change} reload={reload} onClose={() => setChange(null)} />}
        </div>
    );
}
