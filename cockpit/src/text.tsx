// SPDX-License-Identifier: GPL-2.0-or-later
// Text of strangers: names of devices, VMs and files. Everything that a device or a file says goes through here.

// Control and format characters, what is unassigned or lone, line and paragraph separators, and what is drawn as nothing.
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const MAX = 300;
/** Up to here a text is not broken within its words: addresses are that long. */
const SHORT = 16;

const escaped = (character: string): string =>
    `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;

/** Longer texts are cut, and say so. */
function cut(text: string, max: number): { head: string; rest: string } {
    if (text.length <= max)
        return { head: text, rest: "" };
    // Not between the halves of a character.
    const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 1)) ? max - 1 : max;
    return { head: text.slice(0, end), rest: `\u2026 (${text.length.toLocaleString("en")} characters)` };
}

/** For attributes, and where only text can be: what cannot be seen is written as its number. */
export function visible(text: string, max = MAX): string {
    const { head, rest } = cut(text, max);
    return head.replace(HIDDEN, escaped) + rest;
}

interface TextProps {
    children: string | null | undefined;
    max?: number;
}

/** The same for display: the numbers are set apart from what the text itself says. */
export function Text({ children, max = MAX }: TextProps) {
    const { head, rest } = cut(children ?? "", max);
    const parts = head.split(/([\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])/u);
    return (
        <bdi className={head.length <= SHORT ? "dp-text dp-short" : "dp-text"}>
            {parts.length === 1 ? head : parts.map((part, index) =>
                index % 2 === 0 ? part : <mark key={index} className="dp-hidden-char">{escaped(part)}</mark>)}
            {rest !== "" && <em>{rest}</em>}
        </bdi>
    );
}

const LINES = 1000, LINE_MAX = 4096;

/** Several lines, as a log has them: the last of them. */
export function Lines({ children }: { children: string }) {
    const lines = children.replace(/\n$/, "").split("\n");
    return (
        <pre className="dp-lines" tabIndex={0}>
            {lines.length > LINES && <div><em>{lines.length - LINES} lines before these</em></div>}
            {lines.slice(-LINES).map((line, index) => <div key={index}><Text max={LINE_MAX}>{line}</Text></div>)}
        </pre>
    );
}
