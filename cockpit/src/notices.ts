// SPDX-License-Identifier: GPL-2.0-or-later
// What directpath says once, to whichever command comes next: mostly to a look that this page repeats by itself. It is
// kept until somebody has read it.
import { useSyncExternalStore } from "react";
import type { Diagnostic } from "./documents";

const ONCE = [
    "DP2016", // an interrupted command was put right
    "DP2053", // an armed change was taken back
    "DP2054", // and not wholly
    "DP2057", // who takes it back had to be replaced
    "DP4010", // as had the supervisor of a VM
    "DP4011", // a VM had died
    "DP4015", // its record was removed
];
const KEPT = 20;

let kept: Diagnostic[] = [];
const readers = new Set<() => void>();

function change(now: Diagnostic[]): void {
    kept = now;
    readers.forEach(reader => reader());
}

/** To tell diagnostics apart by. */
export const textOf = (diagnostic: Diagnostic): string => JSON.stringify(diagnostic);

/** Of an answer, whoever asked for it. */
export function note(diagnostics: Diagnostic[]): void {
    const known = new Set(kept.map(textOf));
    const more = diagnostics.filter(one => ONCE.includes(one.id) && !known.has(textOf(one)));
    if (more.length > 0)
        change([...kept, ...more].slice(-KEPT));
}

export const dismiss = (diagnostic: Diagnostic): void => change(kept.filter(one => one !== diagnostic));

/** The others, which are said again as long as they are so. */
export const lasting = (diagnostics: Diagnostic[]): Diagnostic[] => diagnostics.filter(one => !ONCE.includes(one.id));

function subscribe(reader: () => void): () => void {
    readers.add(reader);
    return () => readers.delete(reader);
}

export const useNotices = (): Diagnostic[] => useSyncExternalStore(subscribe, () => kept);
