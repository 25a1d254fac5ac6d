// SPDX-License-Identifier: GPL-2.0-or-later
// Small things that several tabs show.
import { Alert, Button, Spinner, TimesIcon } from "./patternfly";
import { type ReactNode, useEffect, useState } from "react";
import { Text, visible } from "./text";

/** A heading and what is below it. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
    return <section className="dp-part"><h3>{title}</h3>{children}</section>;
}

/** Names and values; a value that is null is left out. */
export function Fields({ of }: { of: [string, ReactNode][] }) {
    return (
        <dl className="dp-fields">
            {of.filter(([, value]) => value !== null).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
        </dl>
    );
}

interface GridProps {
    label: string;
    columns: string[];
    /** Cells in the order of the columns; the first one names the row. */
    rows: { key: string; cells: ReactNode[]; selected?: boolean }[];
    empty: string;
}

/** A small table. On a narrow screen each cell says its column. */
export function Grid({ label, columns, rows, empty }: GridProps) {
    if (rows.length === 0)
        return <p className="dp-none">{empty}</p>;
    return (
        <table role="grid" aria-label={label} className="pf-v6-c-table pf-m-compact pf-m-grid-md">
            <thead className="pf-v6-c-table__thead">
                <tr className="pf-v6-c-table__tr">
                    {columns.map(name => <th key={name} scope="col" className="pf-v6-c-table__th">{name}</th>)}
                </tr>
            </thead>
            <tbody className="pf-v6-c-table__tbody">
                {rows.map(row => (
                    <tr key={row.key} className={`pf-v6-c-table__tr${row.selected === true ? " pf-m-selected" : ""}`}>
                        {row.cells.map((cell, index) => (
                            <td key={columns[index]} data-label={columns[index]} className="pf-v6-c-table__td">{cell}</td>))}
                    </tr>))}
            </tbody>
        </table>
    );
}

/** Yes, no, or that it is not known: what an ordinary user may not read is null. */
export function YesNo({ value, more }: { value: boolean | null; more?: string }) {
    return <>{value === null ? <span className="dp-none">unknown</span> : value ? `yes${visible(more ?? "")}` : "no"}</>;
}

/** What is under way, and for how long. */
export function Working({ what }: { what: string }) {
    const [seconds, setSeconds] = useState(0);
    useEffect(() => {
        const timer = window.setInterval(() => setSeconds(old => old + 1), 1000);
        return () => window.clearInterval(timer);
    }, []);
    return (
        <div className="dp-working">
            <Spinner size="md" aria-hidden="true" /> <span role="status">{what}</span>
            {/* Not for ears: it would be said each second. */}
            {seconds >= 2 && <span aria-hidden="true">{seconds} s</span>}
        </div>
    );
}

/** In place of the details of what was chosen, or is named by the page's address, and is not there. */
export function NotThere({ what, children, onClose }: { what: string; children: ReactNode; onClose: () => void }) {
    return (
        <section className="dp-lower" aria-label={`Details of ${visible(what, 60)}`}>
            <header className="dp-lower-head">
                <h2><Text max={120}>{what}</Text></h2>
                <Button variant="plain" size="sm" aria-label="Close details" icon={<TimesIcon />} onClick={onClose} />
            </header>
            <div className="dp-lower-body"><Alert isInline component="h3" variant="warning" title="It is not there"><p>{children}</p></Alert></div>
        </section>
    );
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function size(bytes: number): string {
    let unit = 0;
    while (bytes >= 1024 && unit < UNITS.length - 1) {
        bytes /= 1024;
        unit++;
    }
    return `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} ${UNITS[unit]}`;
}
