// SPDX-License-Identifier: GPL-2.0-or-later
import type { DeviceList } from "../documents";
import type { Live } from "../live";

export function HostTab({ devices }: { devices: Live<DeviceList> }) {
    return <p>{devices.answer?.document.host?.iommu}</p>;
}
