// SPDX-License-Identifier: GPL-2.0-or-later
// Is an answer of the form that its schema says? What the page does not know is ignored, as docs/json.md asks of readers.
import { schemas } from "./documents";

export interface Shape {
    type?: string | string[];
    properties?: Record<string, Shape>;
    required?: string[];
    items?: Shape;
    $ref?: string;
    anyOf?: Shape[];
    allOf?: Shape[];
}

const named = schemas as Record<string, Shape>;

function typeOf(value: unknown): string {
    return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function hasType(shape: Shape, value: unknown): boolean {
    const actual = typeOf(value);
    const wanted = shape.type === undefined ? [] : [shape.type].flat();
    return wanted.length === 0 || wanted.some(type => type === actual || (type === "integer" && actual === "number"));
}

function first<T>(items: T[], find: (item: T) => string | null): string | null {
    for (const item of items) {
        const found = find(item);
        if (found !== null)
            return found;
    }
    return null;
}

/** Null, or where it is not. */
export function misfit(shape: Shape, value: unknown, at = "document"): string | null {
    if (shape.$ref !== undefined)
        return misfit(named[shape.$ref] ?? {}, value, at);
    if (shape.anyOf !== undefined)
        return shape.anyOf.some(part => misfit(part, value, at) === null) ? null : at;
    if (shape.allOf !== undefined)
        return first(shape.allOf, part => misfit(part, value, at));
    if (!hasType(shape, value))
        return at;
    if (Array.isArray(value))
        return shape.items === undefined ? null : first(value.map((item, i) => ({ item: item as unknown, i })),
                                                        ({ item, i }) => misfit(shape.items ?? {}, item, `${at}[${i}]`));
    if (typeof value !== "object" || value === null)
        return null;
    const fields = value as Record<string, unknown>;
    return first(shape.required ?? [], name => Object.hasOwn(fields, name) ? null : `${at}.${name}`) ??
        first(Object.entries(shape.properties ?? {}), ([name, field]) =>
            Object.hasOwn(fields, name) ? misfit(field, fields[name], `${at}.${name}`) : null);
}
