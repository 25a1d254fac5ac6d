// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong, in words: diagnostics of directpath, and answers that did not come.
import {
    Alert, AlertActionCloseButton, type AlertProps, Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter,
    ExclamationCircleIcon, LockIcon,
} from "./patternfly";
import { Component, type ReactNode } from "react";
import type { CallError, FailureKind } from "./directpath";
import { LATE_S, type Live } from "./live";
import type { Diagnostic } from "./documents";
import { Text, visible } from "./text";

const variants: Record<string, NonNullable<AlertProps["variant"]>> = { error: "danger", warning: "warning", note: "info" };

interface DiagnosticProps {
    diagnostic: Diagnostic;
    /** It stays until this is asked for. */
    onDismiss?: () => void;
}

export function DiagnosticView({ diagnostic, onDismiss }: DiagnosticProps) {
    const { id, severity, message, cause, remedy } = diagnostic;
    return (
        <Alert isInline component="h4" variant={variants[severity] ?? "custom"} className="dp-diagnostic"
            actionClose={onDismiss !== undefined && <AlertActionCloseButton aria-label="Dismiss" onClose={onDismiss} />}
            title={<><Text max={2000}>{message}</Text> <small>[{visible(id)}]</small></>}>
            <dl>
                {cause !== "" && <><dt>Cause</dt><dd><Text max={2000}>{cause}</Text></dd></>}
                {remedy !== "" && <><dt>Remedy</dt><dd><Text max={2000}>{remedy}</Text></dd></>}
            </dl>
        </Alert>
    );
}

const SHOWN = 50;

/** One may repeat itself a thousand times; each is worth the reader's time once. */
export function Diagnostics({ diagnostics }: { diagnostics: Diagnostic[] }) {
    const different = [...new Map(diagnostics.map(one => [JSON.stringify(one), one])).values()];
    return (
        <div className="dp-diagnostics">
            {different.slice(0, SHOWN).map(one => <DiagnosticView key={JSON.stringify(one)} diagnostic={one} />)}
            {different.length > SHOWN && <p>{different.length - SHOWN} more are told by <code>directpath</code> itself.</p>}
        </div>
    );
}

const headings: Record<FailureKind, string> = {
    missing: "Directpath is not installed",
    denied: "Not permitted",
    broken: "Directpath did not answer",
    failed: "Directpath could not tell",
    lost: "The connection to the host was lost",
    killed: "Directpath was ended by force",
};

const advice: Record<FailureKind, string> = {
    missing: "The program directpath was not found on this host. Install the package directpath, then try again.",
    denied: "Cockpit did not permit this. Turn on administrative access at the top of the console, then try again.",
    failed: "It gives these reasons.",
    lost: "The connection was lost before directpath had answered. Load this page again when the host can be reached.",
    killed: "Somebody or the kernel ended the program before it had answered.",
    broken: "What directpath printed cannot be shown. Page and program may be of different versions, or the program failed.",
};

/** Of a change without an answer nobody can say here what came of it. */
const UNSURE = "The change may have happened, in whole or in part. Look at the lists of devices and VMs: they show what is so. What was given away " +
    "for a time only is taken back by the host itself; what was interrupted is put right by the next command.";

/** In place of what cannot be shown. */
export function NoAnswer({ error, retry }: { error: CallError; retry: () => void }) {
    return (
        <EmptyState headingLevel="h2" titleText={headings[error.kind]} status="danger"
            icon={error.kind === "denied" ? LockIcon : ExclamationCircleIcon}>
            <EmptyStateBody>
                <p>{advice[error.kind]}</p>
                <p><Text max={1000}>{error.message}</Text></p>
                <Diagnostics diagnostics={error.diagnostics} />
            </EmptyStateBody>
            <EmptyStateFooter><EmptyStateActions><Button variant="primary" onClick={retry}>Try again</Button></EmptyStateActions></EmptyStateFooter>
        </EmptyState>
    );
}

/** Above what is shown and could not be brought up to date, or in a dialog whose change did not happen. */
export function CallAlert({ error, title }: { error: CallError; title?: string | undefined }) {
    return (
        <Alert isInline component="h4" variant="danger" title={title ?? headings[error.kind]}>
            <p>{advice[error.kind]}</p>
            {error.unsure && <p>{UNSURE}</p>}
            <p><Text max={1000}>{error.message}</Text></p>
            {error.diagnostics.length > 0 && <Diagnostics diagnostics={error.diagnostics} />}
        </Alert>
    );
}

/** In place of the result of a change. */
export function NotChanged({ error }: { error: CallError }) {
    return <CallAlert error={error} title={error.kind === "denied" ? "Cockpit refused this: nothing was changed" : undefined} />;
}

/** Above an answer: what is shown is of an earlier time, and why. */
export function NotUpToDate({ of }: { of: Live<unknown> }) {
    if (of.error !== null)
        return <CallAlert error={of.error} title="Not up to date" />;
    return of.late ? (
        <Alert isInline component="h4" variant="warning" title="Not up to date">
            <p>Directpath has been asked and has not answered for {LATE_S} seconds. The host may be busy, or a device or its driver hangs.</p>
        </Alert>) : null;
}

/** A mistake of the page itself is said, not a white window. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
    override state: { error: Error | null } = { error: null };

    static getDerivedStateFromError(error: Error) {
        return { error };
    }

    override render() {
        if (this.state.error === null)
            return this.props.children;
        return (
            <EmptyState headingLevel="h2" titleText="This page has a mistake" status="danger" icon={ExclamationCircleIcon}>
                <EmptyStateBody>
                    <p>Nothing was changed by it. <code>directpath</code> itself does all that the page does.</p>
                    <p><Text>{this.state.error.message}</Text></p>
                </EmptyStateBody>
            </EmptyState>
        );
    }
}
