// SPDX-License-Identifier: GPL-2.0-or-later
// Answers that are asked for again and again, and change only where they differ.
import { useCallback, useEffect, useRef, useState } from "react";
import { type Answer, asError, CallError } from "./directpath";

/** The new value, with every part of the old one that says the same: React then leaves alone what shows it. */
export function keep<T>(old: unknown, now: T): T {
    if (Object.is(old, now) || typeof old !== "object" || typeof now !== "object" || old === null || now === null ||
        Array.isArray(old) !== Array.isArray(now))
        return now;
    const before = old as Record<string, unknown>, after = now as Record<string, unknown>;
    const names = Object.keys(after);
    let same = names.length === Object.keys(before).length;
    const merged: Record<string, unknown> = Array.isArray(now) ? [] as unknown as Record<string, unknown> : {};
    for (const name of names) {
        merged[name] = keep(before[name], after[name]);
        same = same && Object.is(merged[name], before[name]) && name in before;
    }
    return (same ? old : merged) as T;
}

export interface Live<T> {
    /** The last whole answer; it stays while the next ones fail. */
    answer: Answer<T> | null;
    error: CallError | null;
    /** It has been asked for LATE_S seconds now, without an answer. */
    late: boolean;
    /** Asks at once; done when the answer is there. */
    reload: () => Promise<void>;
}

export const LATE_S = 10;

const RENEWED_S = 5;

/** Done when all of them are, or after RENEWED_S: of a host that is busy or cannot be reached the answers may never come, and
    what a change came to is told without them. */
export async function renewed(...reloads: Promise<void>[]): Promise<void> {
    let timer = 0;
    await Promise.race([Promise.all(reloads), new Promise(done => { timer = window.setTimeout(done, RENEWED_S * 1000); })]);
    window.clearTimeout(timer);
}

function sameError(one: CallError | null, other: CallError | null): boolean {
    return one?.message === other?.message && one?.kind === other?.kind &&
        JSON.stringify(one?.diagnostics) === JSON.stringify(other?.diagnostics);
}

const permission = cockpit.permission({ admin: true });

/** Calls @tell when the page is seen again, and when what may be seen has changed. */
function whenSeenAnew(tell: (other: boolean) => void): () => void {
    let allowed = permission.allowed;
    const seen = () => tell(false);
    const permitted = () => {
        const before = allowed;
        allowed = permission.allowed;
        if (before !== null && before !== allowed)
            tell(true);
    };
    cockpit.addEventListener("visibilitychange", seen);
    permission.addEventListener("changed", permitted);
    return () => {
        cockpit.removeEventListener("visibilitychange", seen);
        permission.removeEventListener("changed", permitted);
    };
}

/** Asks now and every so many seconds while the page is seen; 0: once, when it is seen. Asks again when the session's
    privileges change. Null asks nothing. Of another load the old answer is forgotten. */
export function useLive<T>(load: (() => Promise<Answer<T>>) | null, seconds: number): Live<T> {
    const [state, setState] = useState<{ of: unknown; answer: Answer<T> | null; error: CallError | null }>(
        { of: load, answer: null, error: null });
    const current = useRef(load);
    current.current = load;
    // Each question has a number: of two that are under way, the later one's answer is the newer.
    const asked = useRef(0), taken = useRef(0);
    const [late, setLate] = useState(false);

    const reload = useCallback(async () => {
        if (load === null)
            return;
        let answer: Answer<T> | null = null, error: CallError | null = null;
        const number = ++asked.current;
        const timer = window.setTimeout(() => setLate(old => old || (current.current === load && taken.current < number)), LATE_S * 1000);
        try {
            answer = await load();
            if (!answer.whole) {
                error = new CallError("failed", `directpath ended with status ${answer.status}`, answer.document.diagnostics);
                answer = null;
            }
        } catch (caught) {
            error = asError(caught);
        }
        window.clearTimeout(timer);
        if (current.current !== load || taken.current > number)
            return; // too late: something else is shown by now, or something newer
        taken.current = number;
        setLate(false);
        setState(old => {
            const last = old.of === load ? old : { of: load, answer: null, error: null };
            const next = answer === null ? last.answer : keep(last.answer, answer);
            const same = next === last.answer && sameError(error, last.error);
            return same && last === old ? old : { of: load, answer: next, error };
        });
    }, [load]);

    useEffect(() => {
        let stopped = false, missed = false, timer = 0;
        const turn = async () => {
            missed = cockpit.hidden;
            if (missed)
                return;
            await reload();
            if (!stopped && seconds > 0)
                timer = window.setTimeout(() => void turn(), seconds * 1000);
        };
        const forget = whenSeenAnew(other => {
            if (other && !cockpit.hidden)
                void reload();
            else if (other)
                missed = true;
            else if (missed)
                void turn();
        });
        void turn();
        return () => {
            stopped = true;
            forget();
            window.clearTimeout(timer);
        };
    }, [reload, seconds]);

    const mine = state.of === load;
    return { answer: mine ? state.answer : null, error: mine ? state.error : null, late: mine && late, reload };
}

/** The path behind the page's address, as Cockpit keeps it. */
export function usePath(): string[] {
    const [path, setPath] = useState(cockpit.location.path);
    useEffect(() => {
        const changed = () => setPath(cockpit.location.path);
        cockpit.addEventListener("locationchanged", changed);
        return () => cockpit.removeEventListener("locationchanged", changed);
    }, []);
    return path;
}

/** Null: not known yet. */
export function useAdministrator(): boolean | null {
    const [allowed, setAllowed] = useState<boolean | null>(null);
    useEffect(() => {
        const changed = () => setAllowed(permission.allowed);
        changed();
        permission.addEventListener("changed", changed);
        return () => permission.removeEventListener("changed", changed);
    }, []);
    return allowed;
}
