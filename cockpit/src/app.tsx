// SPDX-License-Identifier: GPL-2.0-or-later
// The three tabs, and what stands above them whichever is open.
import { Alert, Page, PageSection, Tab, TabTitleText, Tabs } from "./patternfly";
import { Banners } from "./banners";
import { DevicesTab } from "./devices/tab";
import { hostStatus, listDevices, listVms } from "./directpath";
import { HostTab } from "./host/tab";
import { useAdministrator, useLive, usePath } from "./live";
import { Boundary } from "./problems";
import { VmsTab } from "./vms/tab";

const TABS = ["devices", "host", "vms"];

export function App() {
    const path = usePath();
    const tab = TABS.find(one => one === path[0]) ?? "devices";
    const chosen = path[0] === tab ? path[1] ?? null : null;
    const administrator = useAdministrator();
    const devices = useLive(listDevices, 5);
    const status = useLive(hostStatus, 5);
    const vms = useLive(listVms, 5);
    const reload = async () => { await Promise.all([devices.reload(), status.reload(), vms.reload()]); };

    return (
        <Page className="dp-page no-masthead-sidebar" isContentFilled>
            <PageSection hasBodyWrapper={false} type="tabs" className="dp-tabs">
                <h1 className="pf-v6-u-screen-reader">PCI passthrough</h1>
                <Tabs activeKey={tab} onSelect={(_event, key) => cockpit.location.go([String(key)])} aria-label="PCI passthrough">
                    <Tab eventKey="devices" title={<TabTitleText>PCI devices</TabTitleText>} tabContentId="dp-devices" />
                    <Tab eventKey="host" title={<TabTitleText>Host</TabTitleText>} tabContentId="dp-host" />
                    <Tab eventKey="vms" title={<TabTitleText>Virtual machines</TabTitleText>} tabContentId="dp-vms" />
                </Tabs>
            </PageSection>
            <PageSection hasBodyWrapper={false} isFilled className="dp-main">
                {administrator === false && (
                    <Alert isInline component="h2" variant="info" title="Limited access">
                        You can look. To change something, turn on administrative access at the top of the console.
                    </Alert>)}
                <Banners status={status} devices={devices} reload={reload} />
                <Boundary key={tab}>
                    <section id={`dp-${tab}`} role="tabpanel" aria-labelledby={`pf-tab-${tab}-dp-${tab}`} className="dp-panel">
                        {tab === "devices" && <DevicesTab devices={devices} chosen={chosen} reload={reload} />}
                        {tab === "host" && <HostTab devices={devices} />}
                        {tab === "vms" && <VmsTab vms={vms} devices={devices} chosen={chosen} reload={reload} />}
                    </section>
                </Boundary>
            </PageSection>
        </Page>
    );
}
