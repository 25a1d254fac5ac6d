// SPDX-License-Identifier: GPL-2.0-or-later
// vm validate: every key, and what becomes of it.
import { useState } from "react";
import type { VmValidate } from "../documents";
import { Alert, FormSelect, FormSelectOption } from "../patternfly";
import { Diagnostics } from "../problems";
import { Text } from "../text";
import { Grid, Part } from "../ui";

const EFFECTS = ["honoured", "substituted", "ignored", "unknown"];

function Entries({ report }: { report: Partial<VmValidate> }) {
    const list = report.passthrough ?? [];
    return list.length === 0 ? null : (
        <Part title="PCI devices of the file">
            <Grid label="PCI devices of the file" empty="" columns={["Device", "Function of this host", "In the guest", "MSI"]}
                rows={list.map(entry => ({
                    key: String(entry.index),
                    cells: [
                        `pciPassthru${entry.index}`,
                        entry.address === null ? "none was found" : <><Text>{entry.address}</Text>{entry.dynamic && " (chosen among models)"}</>,
                        <Text key="g">{entry.guest_address ?? "not placed yet"}</Text>, entry.msi_enabled ? "as the guest wants" : "off",
                    ],
                }))} />
        </Part>
    );
}

export function Validation({ report }: { report: Partial<VmValidate> & Pick<VmValidate, "diagnostics"> }) {
    const [effect, setEffect] = useState("");
    const keys = report.keys ?? [];
    const shown = keys.filter(key => effect === "" || key.effect === effect);
    return (
        <>
            {report.valid !== undefined && (
                <Alert isInline component="h4" variant={report.valid ? "success" : "danger"}
                    title={report.valid ? "This host can power it on" : "This host cannot power it on"} />)}
            <Diagnostics diagnostics={report.diagnostics} />
            <Entries report={report} />
            {keys.length > 0 && (
                <details>
                    <summary>Key by key: {EFFECTS.map(one => `${keys.filter(key => key.effect === one).length} ${one}`).join(", ")}</summary>
                    <div className="dp-select">
                        <FormSelect aria-label="Effect" value={effect} onChange={(_event, value) => setEffect(value)}>
                            <FormSelectOption value="" label="Every key" />
                            {EFFECTS.map(one => <FormSelectOption key={one} value={one} label={one} />)}
                        </FormSelect>
                    </div>
                    <Grid label="Keys" empty="No key is so." columns={["Line", "Key", "Value", "Effect", "Note"]}
                        rows={shown.map(key => ({
                            key: `${key.line} ${key.key}`,
                            cells: [
                                key.line, <Text key="k">{key.key}</Text>, <Text key="v">{key.value}</Text>, <Text key="e">{key.effect}</Text>,
                                <Text key="n" max={1000}>{key.note}</Text>,
                            ],
                        }))} />
                </details>)}
        </>
    );
}
