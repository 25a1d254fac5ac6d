#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints docs/json.md from docs/schema: for each document what it is, its fields, and an example.

    docs/make-json.py >docs/json.md
"""
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "schema"
ORDER = ["host-check", "host-status", "host-drift", "host-capture", "host-support", "device-list", "device-show",
         "device-change", "device-reset", "device-test", "import-esx-conf", "map-check",
         "vm-validate", "vm-edit", "vm-relocate", "vm-plan", "vm-power-on", "vm-end", "vm-reset", "vm-console", "vm-status", "vm-list", "vm-register", "vm-log", "vm-export", "vm-refused",
         "esxcli-pci-list", "esxcli-passthru-list", "system-id", "esxcfg-module", "explain", "help",
         "version", "failure"]

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by docs/make-json.py from docs/schema; edit those. -->
# The JSON documents

With `--json` a command prints one JSON document on standard output and nothing on standard error, also when it fails:
then at least `diagnostics` is there. Names and meanings that stand here stay; more may come, so a reader ignores what it
does not know. `null` means unknown or none, as the field says; a fact that an ordinary user may not read is `null`, never
`false`. Text is ASCII with `\\uXXXX`; what was not UTF-8 is shown as `\\\\xNN`.

The exit status says the same as without `--json`: 0 done, 1 the answer is no, 2 usage, 3 the system failed, 4 partly.

The schemas (JSON Schema 2020-12) are in `docs/schema/`. What the tests make every command print is checked against
them.
"""


def reference(node):
    return node["$ref"].rsplit("/", 1)[1] if "$ref" in node else None


def kind(node):
    if reference(node):
        return f"[{reference(node)}](#{reference(node)})"
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "anyOf" in node:
        return " or ".join(kind(part) for part in node["anyOf"])
    if "allOf" in node:
        return kind(node["allOf"][0]) + ", with more"
    if node.get("type") == "array":
        return "array of " + kind(node["items"])
    types = node.get("type", "object")
    return " or ".join(types) if isinstance(types, list) else types


def rows(node, prefix=""):
    """One table row a field; the fields of nested objects follow theirs."""
    for part in node.get("allOf", []):
        if not reference(part):
            yield from rows(part, prefix)
    required = node.get("required", [])
    for name, field in node.get("properties", {}).items():
        optional = "" if name in required else " (may be absent)"
        yield f"| `{prefix}{name}` | {kind(field)}{optional} | {field.get('description', '')} |"
        inner = field["items"] if field.get("type") == "array" else field
        if "properties" in inner or "allOf" in inner:
            yield from rows(inner, prefix + name + ("[]." if inner is not field else "."))


def table(node):
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows(node)])


def document(name):
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    example = (FOLDER / "examples" / f"{name}.json").read_text().rstrip("\n")
    return f"## {schema['title']}\n\n{schema['description']} Schema: `docs/schema/{name}.json`.\n\n" \
           f"{table(schema)}\n\n```json\n{example}\n```\n"


def shared():
    parts = ["## What they share\n\nSchema: `docs/schema/common.json`.\n"]
    for name, node in json.loads((FOLDER / "common.json").read_text())["$defs"].items():
        inner = node["items"] if node.get("type") == "array" else node
        text = node.get("description", "")
        what = kind(node) + (f": {text}" if text else "")
        parts.append(f"### {name}\n\n{what[0].upper() + what[1:]}.\n" + (f"\n{table(inner)}\n" if "properties" in inner else ""))
    return "\n".join(parts)


def main():
    names = [path.stem for path in FOLDER.glob("*.json") if path.stem != "common"]
    assert sorted(names) == sorted(name for name in ORDER if name in names), "a schema is missing from ORDER"
    print(HEAD)
    print("\n".join([document(name) for name in ORDER if name in names] + [shared()]), end="")


if __name__ == "__main__":
    main()
