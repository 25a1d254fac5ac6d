// SPDX-License-Identifier: GPL-2.0-or-later
// Light or dark as the console is. It tells its choice in local storage and by an event; the class of PatternFly 6 is set
// here, since consoles of other versions set that of theirs.

const system = window.matchMedia("(prefers-color-scheme: dark)");

function stored(): string | null {
    try {
        return localStorage.getItem("shell:style");
    } catch {
        return null; // storage is refused to this page: as the system has it
    }
}

function apply(style: string | null): void {
    const dark = style === "dark" || (style !== "light" && system.matches);
    document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
}

export function followTheme(): void {
    apply(stored());
    system.addEventListener("change", () => apply(stored()));
    window.addEventListener("storage", event => {
        if (event.key === "shell:style")
            apply(stored());
    });
    window.addEventListener("cockpit-style", event => {
        const style: unknown = event instanceof CustomEvent ? (event.detail as { style?: unknown } | null)?.style : null;
        apply(typeof style === "string" ? style : stored());
    });
}
