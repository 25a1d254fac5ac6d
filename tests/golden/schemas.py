# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON documents' schemas. For readers they are open: what is not named may come. A test is stricter: what the
command prints and no schema names is a mistake of ours."""
import functools
import json
import pathlib

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/schema"


@functools.lru_cache(maxsize=None)
def load_all():
    return {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def _resolve(node, schemas, here):
    """@node without references, and with all properties of its parts in one place."""
    if isinstance(node, list):
        return [_resolve(entry, schemas, here) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name, _, pointer = node["$ref"].partition("#")
        target = schemas[name or here]
        for part in pointer.strip("/").split("/"):
            target = target[part] if part else target
        return _resolve(target, schemas, name or here)
    node = {key: _resolve(value, schemas, here) for key, value in node.items()}
    for part in node.pop("allOf", []):
        node.setdefault("type", part.get("type"))
        node.setdefault("properties", {}).update(part["properties"])
        node["required"] = node.get("required", []) + part["required"]
    if "properties" in node and isinstance(node["properties"], dict) and node.get("type") == "object":
        node.setdefault("additionalProperties", False)
    return node


@functools.lru_cache(maxsize=None)
def strict(name):
    """A validator of document @name ("device-list") that knows every field there may be."""
    schemas = load_all()
    schema = _resolve(schemas[f"{name}.json"], schemas, f"{name}.json")
    if name == "failure":
        schema["additionalProperties"] = True
    return jsonschema.Draft202012Validator(schema)


def problems(name, document):
    return [f"{'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:300]}"
            for error in strict(name).iter_errors(document)]
