// SPDX-License-Identifier: GPL-2.0-or-later
import { type FormEvent, useState } from "react";
import { type Answer, asError, CallError } from "../directpath";
import type { VmRegister } from "../documents";
import { Button, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from "../patternfly";
import { CallAlert, Diagnostics } from "../problems";

interface RegisterProps {
    register: (vmx: string) => Promise<Answer<VmRegister>>;
    reload: () => Promise<void>;
    onClose: () => void;
}

export function RegisterDialog({ register, reload, onClose }: RegisterProps) {
    const [path, setPath] = useState("");
    const [busy, setBusy] = useState(false);
    const [result, setResult] = useState<Answer<VmRegister> | CallError | null>(null);
    const submit = async (event: FormEvent) => {
        event.preventDefault();
        setBusy(true);
        const answer = await register(path).catch(asError);
        await reload();
        setBusy(false);
        setResult(answer);
        if (!(answer instanceof CallError) && answer.status === 0)
            onClose();
    };
    return (
        <Modal isOpen variant="small" aria-labelledby="dp-register-title" onClose={onClose}>
            <ModalHeader labelId="dp-register-title" title="Register a VM" description="It becomes one of this host's; its file stays as it is." />
            <ModalBody>
                <form id="dp-register" className="dp-form" onSubmit={event => void submit(event)}>
                    <div>
                        <label htmlFor="dp-vmx">File of the VM on this host</label>
                        <TextInput id="dp-vmx" value={path} onChange={(_event, value) => setPath(value)} placeholder="/vmfs/volumes/store/web/web.vmx" />
                    </div>
                </form>
                {result instanceof CallError ? <CallAlert error={result} /> : result !== null && <Diagnostics diagnostics={result.document.diagnostics} />}
            </ModalBody>
            <ModalFooter>
                <Button type="submit" form="dp-register" variant="primary" isDisabled={busy || path === ""}>Register</Button>
                <Button variant="link" onClick={onClose}>Cancel</Button>
            </ModalFooter>
        </Modal>
    );
}
