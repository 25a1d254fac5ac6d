// SPDX-License-Identifier: GPL-2.0-or-later
// The three tabs, and what stands above them whichever is open.
import { Alert, Tab, TabTitleText, Tabs } from "./patternfly";
import { Banners } from "./banners";
import { DevicesTab } from "./devices/tab";
import { hostStatus, listDevices, listVms } from "./directpath";
import { HostTab } from "./host/tab";
import { renewed, useAdministrator, useLive, usePath } from "./live";
import { Boundary } from "./problems";
import { usePower, VmsTab } from "./vms/tab";

const TABS = { devices: "PCI devices", host: "Host", vms: "Virtual machines" };
type TabName = keyof typeof TABS;

export function App() {
    const path = usePath();
    const tab: TabName = path[0] !== undefined && Object.hasOwn(TABS, path[0]) ? path[0] as TabName : "devices";
    const chosen = path[0] === tab ? path[1] ?? null : null;
    const administrator = useAdministrator();
    const devices = useLive(listDevices, 5);
    // The table first: it is what is waited for.
    const first = tab === "devices" && devices.answer === null && devices.error === null;
    const status = useLive(first ? null : hostStatus, 5);
    const vms = useLive(first ? null : listVms, 5);
    const reload = () => renewed(devices.reload(), status.reload(), vms.reload());
    const power = usePower(reload);

    return (
        <main className="dp-page">
            <h1 className="dp-title">PCI passthrough</h1>
            <Tabs activeKey={tab} onSelect={(_event, key) => cockpit.location.go([String(key)])} aria-label="PCI passthrough">
                {Object.entries(TABS).map(([name, title]) => (
                    <Tab key={name} eventKey={name} title={<TabTitleText>{title}</TabTitleText>} tabContentId={`dp-${name}`} />))}
            </Tabs>
            <div className="dp-banners" tabIndex={0} role="group" aria-label="What is to be known">
                {administrator === false && (
                    <Alert isInline component="h2" variant="info" title="Limited access">
                        You can look. To change something, turn on administrative access at the top of the console.
                    </Alert>)}
                <Banners status={status} devices={devices} reload={reload} />
            </div>
            <Boundary key={tab}>
                <section id={`dp-${tab}`} role="tabpanel" aria-label={TABS[tab]} className="dp-panel">
                    {tab === "devices" && <DevicesTab devices={devices} chosen={chosen} reload={reload} />}
                    {tab === "host" && <HostTab />}
                    {tab === "vms" && <VmsTab power={power} vms={vms} devices={devices} chosen={chosen} reload={reload} />}
                </section>
            </Boundary>
        </main>
    );
}
