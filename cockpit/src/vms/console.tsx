// SPDX-License-Identifier: GPL-2.0-or-later
// The screen of a VM that runs. Nothing of ours listens: its VNC is on the host's loopback, and Cockpit's channel leads there.
import RFB from "@novnc/novnc/lib/rfb";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { CallError, vmConsole } from "../directpath";
import type { Diagnostic } from "../documents";
import { Alert, Button, TextInput } from "../patternfly";
import { CallAlert, Diagnostics } from "../problems";
import { visible } from "../text";
import { Part } from "../ui";
import { Channel } from "./vnc";

/** Only what the host's own loopback reaches. */
const REACHED = ["127.0.0.1", "0.0.0.0", "localhost"];

/** All other keys are the guest's, Tab too. It is what lets go of the keyboard in QEMU's own window. */
const LEAVE = "Ctrl+Alt+G";
const isLeave = (event: KeyboardEvent) => event.ctrlKey && event.altKey && event.code === "KeyG";
/** Keys of it that the guest was told are down: keysym and code. */
const HELD: [number, string][] = [[0xFFE3, "ControlLeft"], [0xFFE4, "ControlRight"], [0xFFE9, "AltLeft"], [0xFFEA, "AltRight"]];

/** What noVNC draws on is reached by keyboard, and says what it is. */
function makeReachable(frame: HTMLElement, name: string): void {
    const canvas = frame.querySelector("canvas");
    if (canvas === null)
        return;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `Screen of ${visible(name, 60)}`);
    canvas.setAttribute("aria-describedby", "dp-screen-keys");
}

type Phase = "connecting" | "password" | "connected" | "ended";

function Screen({ port, name, onEnd }: { port: number; name: string; onEnd: (why: string | null) => void }) {
    const target = useRef<HTMLDivElement>(null);
    const rfb = useRef<RFB | null>(null);
    const ended = useRef(onEnd);
    ended.current = onEnd;
    const after = useRef<HTMLButtonElement>(null);
    const called = useRef(name);
    called.current = name;
    const [phase, setPhase] = useState<Phase>("connecting");
    const [password, setPassword] = useState("");

    useEffect(() => {
        const frame = target.current;
        if (frame === null)
            return;
        let refused: string | null = null;
        const connection = new RFB(frame, new Channel(port), { shared: true });
        connection.scaleViewport = true;
        connection.addEventListener("connect", () => {
            setPhase("connected");
            makeReachable(frame, called.current);
            connection.focus();
        });
        connection.addEventListener("credentialsrequired", () => setPhase("password"));
        connection.addEventListener("securityfailure", event => {
            const reason: unknown = (event as CustomEvent<{ reason?: unknown } | null>).detail?.reason;
            refused = typeof reason === "string" ? reason : "the display refused the password";
        });
        connection.addEventListener("disconnect", event => {
            rfb.current = null;
            const clean = (event as CustomEvent<{ clean?: boolean } | null>).detail?.clean === true;
            ended.current(refused ?? (clean ? null : "the connection to the display was lost"));
        });
        rfb.current = connection;
        return () => rfb.current?.disconnect();
    }, [port]);

    const leave = (event: KeyboardEvent) => {
        if (!isLeave(event))
            return;
        event.preventDefault();
        event.stopPropagation();
        for (const [keysym, code] of HELD)
            rfb.current?.sendKey(keysym, code, false);
        after.current?.focus();
    };
    const submit = (event: FormEvent) => {
        event.preventDefault();
        setPhase("connecting");
        rfb.current?.sendCredentials({ password });
    };
    return (
        <>
            {phase === "connecting" && <p role="status">Connecting to the display</p>}
            {phase === "password" && (
                <form className="dp-row" onSubmit={submit}>
                    <label htmlFor="dp-vnc-password">Password of the display</label>
                    <div className="dp-grow">
                        <TextInput id="dp-vnc-password" type="password" autoComplete="off" value={password} onChange={(_event, value) => setPassword(value)} />
                    </div>
                    <Button type="submit" variant="secondary">Connect</Button>
                </form>)}
            <p id="dp-screen-keys" className="dp-detail">While the screen has the keyboard every key goes to the VM, Tab too. {LEAVE} leaves it.</p>
            <div ref={target} className="dp-screen" hidden={phase === "password"} onKeyDownCapture={leave} />
            <div className="dp-row">
                <Button ref={after} size="sm" variant="secondary" isDisabled={phase !== "connected"} onClick={() => rfb.current?.sendCtrlAltDel()}>Send Ctrl+Alt+Del</Button>
            </div>
        </>
    );
}

export function Console({ vmx, name }: { vmx: string; name: string }) {
    const [port, setPort] = useState<number | null>(null);
    const [error, setError] = useState<CallError | null>(null);
    const [refusal, setRefusal] = useState<Diagnostic[]>([]);
    const [end, setEnd] = useState<string | null>(null);

    const open = async () => {
        setError(null);
        setEnd(null);
        try {
            const { document } = await vmConsole(vmx);
            const vnc = document.vnc ?? null;
            setRefusal(document.diagnostics);
            if (vnc !== null && REACHED.includes(vnc.address))
                setPort(vnc.port);
            else if (vnc !== null)
                setEnd(`the display is at ${visible(vnc.address)}, which this page does not reach`);
        } catch (caught) {
            setError(caught instanceof CallError ? caught : new CallError("broken", String(caught)));
        }
    };
    const closed = (why: string | null) => {
        setPort(null);
        setEnd(why);
    };
    return (
        <Part title="Console">
            {error !== null && <CallAlert error={error} />}
            <Diagnostics diagnostics={refusal} />
            {end !== null && <Alert isInline component="h4" variant="warning" title={`The console has ended: ${visible(end)}`} />}
            {port === null ? <Button size="sm" variant="secondary" onClick={() => void open()}>Open the console</Button> :
                <Screen key={port} port={port} name={name} onEnd={closed} />}
            {port !== null && <Button size="sm" variant="link" onClick={() => closed(null)}>Close the console</Button>}
        </Part>
    );
}
