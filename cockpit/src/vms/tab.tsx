// SPDX-License-Identifier: GPL-2.0-or-later
import type { DeviceList, VmList } from "../documents";
import type { Live } from "../live";

interface VmsTabProps {
    vms: Live<VmList>;
    devices: Live<DeviceList>;
    chosen: string | null;
    reload: () => Promise<void>;
}

export function VmsTab({ vms }: VmsTabProps) {
    return <p>{vms.answer?.document.registered?.length}</p>;
}
