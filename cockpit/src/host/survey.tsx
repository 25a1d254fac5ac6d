// SPDX-License-Identifier: GPL-2.0-or-later
// Why not, for every function in one table.
import { memo } from "react";
import type { HostCheck } from "../documents";
import { CheckCircleIcon, ExclamationCircleIcon, ExclamationTriangleIcon, OutlinedQuestionCircleIcon } from "../patternfly";
import { Text, visible } from "../text";

type SurveyRow = HostCheck["survey"][number];
type RuleName = keyof SurveyRow["cells"];

const RULES: [RuleName, string, string][] = [
    ["iommu", "IOMMU", "what the host as a whole lacks"],
    ["group", "Group", "isolation"],
    ["reset", "Reset", "is there one, and whom does it hit"],
    ["host_need", "Host's need", "what the host would lose"],
    ["irq", "Interrupts", ""],
    ["memory", "Memory", "BARs and reserved memory"],
    ["state", "State", "the device itself, and who has it"],
];

const verdicts = {
    "ok": { word: "ok", icon: CheckCircleIcon, style: "ok" },
    "?": { word: "unknown", icon: OutlinedQuestionCircleIcon, style: "unknown" },
    "warn": { word: "warning", icon: ExclamationTriangleIcon, style: "warn" },
    "no": { word: "no", icon: ExclamationCircleIcon, style: "no" },
};

const Row = memo(function Row({ row }: { row: SurveyRow }) {
    return (
        <tr className="pf-v6-c-table__tr">
            <th scope="row" className="pf-v6-c-table__th">
                <a href={`#/devices/${encodeURIComponent(row.address)}`}><Text>{row.address}</Text></a>
            </th>
            {RULES.map(([name, title]) => {
                const cell = row.cells[name];
                const { word, icon: Icon, style } = verdicts[cell.verdict] ?? verdicts["?"];
                return (
                    <td key={name} data-label={title} className="pf-v6-c-table__td">
                        <span className={`dp-verdict dp-verdict-${style}`}>
                            <Icon /> <span>{word}{cell.ids.length > 0 && <small> {visible([...new Set(cell.ids)].join(", "))}</small>}</span>
                        </span>
                    </td>
                );
            })}
        </tr>
    );
});

export function Survey({ rows }: { rows: SurveyRow[] }) {
    if (rows.length === 0)
        return <p className="dp-none">This host has no PCI function that could be passed through.</p>;
    return (
        <div className="dp-scroll" tabIndex={0} role="region" aria-label="Survey">
            <table className="pf-v6-c-table pf-m-compact" aria-label="Survey">
                <thead className="pf-v6-c-table__thead">
                    <tr className="pf-v6-c-table__tr">
                        <th scope="col" className="pf-v6-c-table__th">Function</th>
                        {RULES.map(([name, title, about]) => <th key={name} scope="col" title={about} className="pf-v6-c-table__th">{title}</th>)}
                    </tr>
                </thead>
                <tbody className="pf-v6-c-table__tbody">{rows.map(row => <Row key={row.address} row={row} />)}</tbody>
            </table>
        </div>
    );
}
