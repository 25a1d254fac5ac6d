// SPDX-License-Identifier: GPL-2.0-or-later
// The tree table. Rows are plain and remembered, and made a hundred at a time as the reader comes near: a thousand stay quick.
import { AngleRightIcon } from "../patternfly";
import { type CSSProperties, type KeyboardEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Text, visible } from "../text";
import { HostUser, ids, State } from "./state";
import type { TreeRow } from "./tree";

const COLUMNS = ["Name", "Ids", "Address", "Host", "Group", "State"];

interface RowProps {
    row: TreeRow;
    expanded: boolean;
    selected: boolean;
    /** The one that the Tab key reaches. */
    current: boolean;
    onToggle: (id: string) => void;
    onSelect: (id: string) => void;
}

const indent = (level: number) => ({ "--dp-level": level - 1 }) as CSSProperties;

const Row = memo(function Row({ row, expanded, selected, current, onToggle, onSelect }: RowProps) {
    const { id, device } = row;
    const shared = { "data-id": id, role: "row", "aria-level": row.level, tabIndex: current ? 0 : -1 };
    if (device === null)
        return (
            <tr {...shared} className="pf-v6-c-table__tr dp-heading" aria-expanded={expanded} onClick={() => onToggle(id)}>
                <td role="gridcell" className="pf-v6-c-table__td" colSpan={COLUMNS.length} style={indent(row.level)}>
                    <span className="dp-twist" aria-hidden="true"><AngleRightIcon /></span>
                    <Text>{row.title}</Text> <span className="dp-detail"><Text>{row.detail}</Text></span>
                    <span className="dp-count">{row.count === 1 ? "1 function" : `${row.count} functions`}</span>
                </td>
            </tr>
        );
    return (
        <tr {...shared} className={`pf-v6-c-table__tr pf-m-clickable dp-device${selected ? " pf-m-selected" : ""}`}
            aria-selected={selected} onClick={() => onSelect(id)}>
            <td role="gridcell" className="pf-v6-c-table__td" style={indent(row.level)} title={visible(device.name)}>
                <Text>{device.name}</Text>
            </td>
            <td role="gridcell" className="pf-v6-c-table__td dp-mono" data-label="Ids">{ids(device)}</td>
            <td role="gridcell" className="pf-v6-c-table__td dp-mono" data-label="Address">
                {visible(device.address)} <small title="as ESX writes it: decimal">{visible(device.esx_address)}</small>
            </td>
            <td role="gridcell" className="pf-v6-c-table__td" data-label="Host"><HostUser device={device} /></td>
            <td role="gridcell" className="pf-v6-c-table__td" data-label="Group">{device.iommu_group ?? "none"}</td>
            <td role="gridcell" className="pf-v6-c-table__td" data-label="State"><State device={device} /></td>
        </tr>
    );
});

const STEP = 100;

/** How many rows are made: more when the end of those comes near. */
function useGrowth(total: number, start: unknown) {
    const [limit, setLimit] = useState(STEP);
    const end = useRef<HTMLTableRowElement>(null);
    useEffect(() => setLimit(STEP), [start]);
    useEffect(() => {
        if (end.current === null)
            return;
        const observer = new IntersectionObserver(entries => {
            if (entries.some(entry => entry.isIntersecting))
                setLimit(old => old + STEP);
        }, { root: end.current.closest(".dp-upper"), rootMargin: "1500px" });
        observer.observe(end.current);
        return () => observer.disconnect();
    }, [limit, total]);
    return { limit, end, all: () => setLimit(Infinity) };
}

interface TableProps {
    rows: TreeRow[];
    /** Ids of the rows that pass the filter. */
    passing: Set<string>;
    /** With a filter, what is found is shown also where its heading was folded. */
    filtered: boolean;
    selected: string | null;
    onSelect: (id: string) => void;
}

export function DeviceTable({ rows, passing, filtered, selected, onSelect }: TableProps) {
    const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
    const [focused, setFocused] = useState<string | null>(null);
    const body = useRef<HTMLTableSectionElement>(null);

    const fold = useCallback((id: string, close?: boolean) => setFolded(old => {
        const next = new Set(old);
        if (close ?? !old.has(id))
            next.add(id);
        else
            next.delete(id);
        return next;
    }), []);
    const toggle = useCallback((id: string) => { setFocused(id); fold(id); }, [fold]);
    const select = useCallback((id: string) => { setFocused(id); onSelect(id); }, [onSelect]);

    const shown = useMemo(() => rows.filter(row => passing.has(row.id) && (filtered || !row.above.some(id => folded.has(id)))),
                          [rows, passing, filtered, folded]);
    const { limit, end, all } = useGrowth(shown.length, filtered);
    const made = shown.slice(0, limit);
    const current = [focused, selected].find(id => id !== null && made.some(row => row.id === id)) ?? made[0]?.id;

    // The last row may have to be made before it can have the focus.
    const [toLast, setToLast] = useState(false);
    useEffect(() => {
        if (!toLast)
            return;
        setToLast(false);
        moveTo([...body.current?.querySelectorAll("tr[data-id]") ?? []].at(-1));
    }, [toLast]);
    function moveTo(element: Element | null | undefined) {
        if (element instanceof HTMLElement && element.dataset["id"] !== undefined) {
            setFocused(element.dataset["id"]);
            element.focus();
        }
    }
    const onKeyDown = (event: KeyboardEvent) => {
        const at = (event.target as Element).closest("tr");
        const row = rows.find(one => one.id === at?.dataset["id"]);
        if (at === null || row === undefined || event.altKey || event.ctrlKey || event.metaKey)
            return;
        const seen = [...body.current?.querySelectorAll("tr[data-id]") ?? []];
        const index = seen.indexOf(at);
        const parent = row.above.at(-1);
        switch (event.key) {
        case "ArrowDown": moveTo(seen[index + 1]); break;
        case "ArrowUp": moveTo(seen[index - 1]); break;
        case "Home": moveTo(seen[0]); break;
        case "End":
            all();
            setToLast(true);
            break;
        case "ArrowRight":
            if (row.device === null)
                fold(row.id, false);
            break;
        case "ArrowLeft":
            if (row.device === null && !folded.has(row.id))
                fold(row.id, true);
            else if (parent !== undefined)
                moveTo(seen.find(one => (one as HTMLElement).dataset["id"] === parent));
            break;
        case "Enter":
        case " ":
            if (row.device === null)
                toggle(row.id);
            else
                select(row.id);
            break;
        default: return;
        }
        event.preventDefault();
    };

    return (
        <table role="treegrid" aria-label="PCI devices" className="pf-v6-c-table pf-m-compact dp-table" onKeyDown={onKeyDown}>
            <thead className="pf-v6-c-table__thead">
                <tr className="pf-v6-c-table__tr" role="row">
                    {COLUMNS.map(name => (
                        <th key={name} role="columnheader" scope="col" className={`pf-v6-c-table__th dp-col-${name.toLowerCase()}`}>{name}</th>))}
                </tr>
            </thead>
            <tbody className="pf-v6-c-table__tbody" role="rowgroup" ref={body}>
                {made.map(row => (
                    <Row key={row.id} row={row} expanded={filtered || !folded.has(row.id)}
                        selected={row.id === selected} current={row.id === current} onToggle={toggle} onSelect={select} />))}
                {made.length < shown.length && <tr ref={end} aria-hidden="true"><td colSpan={COLUMNS.length}>&nbsp;</td></tr>}
            </tbody>
        </table>
    );
}
