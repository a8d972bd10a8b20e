"""Bodies against the published Open Banking documents (data/obie): the words of JSON Schema that they use."""

import json
import os
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("GIRO_SHARED", Path(__file__).resolve().parents[2] / "shared"))
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


@lru_cache
def document(version, name):
    path = SHARED / "data" / "obie" / version / f"{name}-openapi.json"
    if not path.exists():
        pytest.skip("the published documents are not here")
    return json.loads(path.read_text())


def resolve(whole, schema):
    while "$ref" in schema:
        found = whole
        for part in schema["$ref"][2:].split("/"):
            found = found[part]
        schema = found
    return schema


def is_time(text):
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


def faults(whole, schema, value, at="$"):
    """What is wrong with value, each fault with its place."""
    schema = resolve(whole, schema)
    for part in schema.get("allOf", []):
        yield from faults(whole, part, value, at)
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{at}: not {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of the published"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 20):
            yield f"{at}: of {len(value)} characters"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} is not {schema['pattern']}"
        if schema.get("format") == "date-time" and not is_time(value):
            yield f"{at}: {value!r} is no date-time with a zone"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1 << 20):
            yield f"{at}: {len(value)} items"
        for index, item in enumerate(value):
            yield from faults(whole, schema.get("items", {}), item, f"{at}[{index}]")
    if isinstance(value, dict):
        members = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}: {name} is missing"
        for name, member in value.items():
            if name in members:
                yield from faults(whole, members[name], member, f"{at}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}: {name} is not published"
            if member is None or member in ("", {}) and name not in ("Risk", "Meta"):
                yield f"{at}.{name}: empty, and there"


def check_body(version, path, method, answer, name="account-info"):
    """The body of an answer is what the published document says of that endpoint and status."""
    whole = document(version, name)
    response = resolve(whole, whole["paths"][path][method]["responses"][str(answer.status)])
    schema = response["content"]["application/json"]["schema"]
    found = list(faults(whole, schema, answer.json))
    assert not found, (path, found[:5])
    return answer
