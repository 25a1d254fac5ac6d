// SPDX-License-Identifier: GPL-2.0-or-later
// Host: can it pass devices through, each function against each rule, and what has changed since the last good boot.
import { hostCheck, hostDrift } from "../directpath";
import type { HostCheck, HostDrift } from "../documents";
import { type Live, useLive } from "../live";
import {
    BanIcon, Button, CheckCircleIcon, ExclamationCircleIcon, OutlinedQuestionCircleIcon,
} from "../patternfly";
import { lasting } from "../notices";
import { CallAlert, Diagnostics, NoAnswer, NotUpToDate } from "../problems";
import { Text } from "../text";
import { Fields, Grid, Part, Working } from "../ui";
import { Survey } from "./survey";

const verdicts = {
    yes: { word: "yes", icon: CheckCircleIcon, style: "ok" },
    no: { word: "no", icon: ExclamationCircleIcon, style: "no" },
    unknown: { word: "unknown", icon: OutlinedQuestionCircleIcon, style: "unknown" },
};

function Checklist({ check }: { check: Partial<HostCheck> }) {
    return (
        <ul className="dp-checks" aria-label="Checks">
            {(check.checks ?? []).map(one => {
                const { word, icon: Icon, style } = verdicts[one.result] ?? verdicts.unknown;
                return (
                    <li key={one.name}>
                        <strong><Text>{one.title}</Text></strong>
                        <span className={`dp-verdict dp-verdict-${style}`}><Icon /> {word}</span>
                        <Text>{one.detail}</Text>
                    </li>
                );
            })}
        </ul>
    );
}

function Capable({ check }: { check: Partial<HostCheck> }) {
    const capable = check.capable === true;
    const Icon = capable ? CheckCircleIcon : BanIcon;
    return (
        <p className={`dp-verdict dp-verdict-${capable ? "ok" : "no"}`}>
            <Icon /> {capable ? "Devices of this host can be passed through." : "Devices of this host cannot be passed through."}
        </p>
    );
}

function Facts({ check }: { check: Partial<HostCheck> }) {
    const text = (value: string | null | undefined) => value == null ? "unknown" : <Text>{value}</Text>;
    return (
        <Fields of={[
            ["Processor", text(check.cpu_vendor)],
            ["Kernel", text(check.kernel)],
            ["Lockdown", text(check.lockdown)],
            ["IOMMU groups", check.iommu_groups ?? "unknown"],
            ["PCI functions", check.functions ?? "unknown"],
            ["Engine", text(check.engine?.path)],
            ["System id", check.system_id == null ? "none yet" : <Text>{check.system_id}</Text>],
        ]} />
    );
}

const changes: Record<string, string> = {
    added: "was added", gone: "is gone", moved: "has moved", replaced: "is another card", group: "has another IOMMU group",
    driver: "has another driver",
};

function Drift({ drift }: { drift: Live<HostDrift> }) {
    if (drift.answer === null)
        return drift.error !== null ? <CallAlert error={drift.error} /> : <Working what="Comparing" />;
    const { since, changes: list = [], diagnostics } = drift.answer.document;
    // Each change is a diagnostic, too: the table has it.
    const others = list.length > 0 ? diagnostics.filter(one => one.severity === "error") : diagnostics;
    return (
        <>
            {since != null && <p>Compared with the boot of <Text>{since.time}</Text>, kernel <Text>{since.kernel}</Text>.</p>}
            <Diagnostics diagnostics={others} />
            {since != null && (
                <Grid label="Drift" columns={["Function", "What", "Was", "Is", "Card", "Concerns"]} empty="Nothing has changed."
                    rows={list.map((one, index) => ({
                        key: `${index} ${one.address}`,
                        cells: [
                            <Text key="a">{one.address}</Text>, changes[one.change] ?? <Text key="c">{one.change}</Text>,
                            <Text key="w">{one.was}</Text>, <Text key="i">{one.is}</Text>, <Text key="n">{one.card?.name}</Text>,
                            <Text key="v">{[...one.stored ? ["stored for passthrough"] : [], ...one.vms].join(", ")}</Text>,
                        ],
                    }))} />)}
        </>
    );
}

/** A host without a record has no `since`. */
export function HostTab() {
    const check = useLive(hostCheck, 30);
    const drift = useLive(hostDrift, 60);
    const reload = () => { void check.reload(); void drift.reload(); };
    if (check.answer === null)
        return check.error !== null ? <NoAnswer error={check.error} retry={reload} /> : <div className="dp-host"><Working what="Checking the host" /><NotUpToDate of={check} /></div>;
    const document = check.answer.document;
    return (
        <div className="dp-host">
            <NotUpToDate of={check} />
            <div className="dp-row">
                <div className="dp-grow"><Capable check={document} /></div>
                <Button variant="secondary" onClick={reload}>Check again</Button>
            </div>
            <Part title="Checklist"><Checklist check={document} /></Part>
            <Diagnostics diagnostics={lasting(document.diagnostics)} />
            <Part title="The host"><Facts check={document} /></Part>
            <Part title="Changes since the last good boot"><Drift drift={drift} /></Part>
            <Part title="Survey: each function against each rule"><Survey rows={document.survey ?? []} /></Part>
        </div>
    );
}
