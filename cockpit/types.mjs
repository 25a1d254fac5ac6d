// SPDX-License-Identifier: GPL-2.0-or-later
// Makes TypeScript of the JSON Schemas: node types.mjs FOLDER OUT.ts
// For each document an interface, and its schema without descriptions, by which answers are checked as they come.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const [folder, out] = process.argv.slice(2);
const KEPT = ["type", "properties", "required", "items", "$ref", "anyOf", "allOf"];

const pascal = name => name.split("-").map(word => word[0].toUpperCase() + word.slice(1)).join("");
const reference = node => node.$ref.split("/").pop();
const primitive = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

function typeOf(node, indent) {
    if (node.$ref)
        return pascal(reference(node));
    if (node.enum)
        return node.enum.map(value => JSON.stringify(value)).join(" | ");
    if ("const" in node)
        return JSON.stringify(node.const);
    if (node.anyOf)
        return node.anyOf.map(part => typeOf(part, indent)).join(" | ");
    if (node.allOf)
        return node.allOf.map(part => typeOf(part, indent)).join(" & ");
    const types = [node.type ?? "object"].flat();
    return types.map(type => type === "array" ? `(${typeOf(node.items, indent)})[]`
        : type === "object" ? objectOf(node, indent) : primitive[type]).join(" | ");
}

function objectOf(node, indent) {
    const inner = indent + "    ";
    const fields = Object.entries(node.properties ?? {}).map(([name, field]) => {
        const comment = field.description ? `${inner}/** ${field.description} */\n` : "";
        const optional = node.required?.includes(name) ? "" : "?";
        return `${comment}${inner}${JSON.stringify(name)}${optional}: ${typeOf(field, inner)};\n`;
    });
    return `{\n${fields.join("")}${indent}}`;
}

// The form alone: a word that a later version adds to an enumeration is no fault.
function shape(node) {
    if (node.enum)
        return { type: [...new Set(node.enum.map(value => value === null ? "null" : typeof value))] };
    const kept = {};
    for (const key of KEPT.filter(key => key in node)) {
        const value = node[key];
        kept[key] = key === "properties" ? Object.fromEntries(Object.entries(value).map(([n, v]) => [n, shape(v)]))
            : key === "items" ? shape(value)
                : key === "anyOf" || key === "allOf" ? value.map(shape)
                    : key === "$ref" ? reference(node) : value;
    }
    return kept;
}

const named = [];
for (const file of readdirSync(folder).filter(name => name.endsWith(".json")).sort()) {
    const schema = JSON.parse(readFileSync(join(folder, file), "utf8"));
    if (file === "common.json")
        named.push(...Object.entries(schema.$defs));
    else
        named.push([basename(file, ".json"), schema]);
}
const lines = ["// SPDX-License-Identifier: GPL-2.0-or-later", "// Made by types.mjs from docs/schema; edit those.", ""];
for (const [name, node] of named)
    lines.push(...(node.description ? [`/** ${node.description} */`] : []), `export type ${pascal(name)} = ${typeOf(node, "")};`, "");
lines.push(`export const schemas = ${JSON.stringify(Object.fromEntries(named.map(([n, node]) => [n, shape(node)])), null, 1)};`);
writeFileSync(out, lines.join("\n") + "\n");
