"""The API's description (OpenAPI 3.1), made from the operations themselves: what is decoded is what is described."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

import comptoir
from comptoir.kernel.errors import Invalid, NotFound, Refusal, Stale
from comptoir.modules.staff.errors import NotPermitted, OtherLocation, Unauthenticated
from comptoir.runtime.limits import TooManyRequests
from comptoir.surfaces.api.answering import OutOfRange
from comptoir.surfaces.api.examples import Json, example_of
from comptoir.surfaces.api.identifiers import PREFIXES, id_example, id_pattern
from comptoir.surfaces.api.operations import Operation, Resource
from comptoir.surfaces.api.problems import (
    BodyTooLarge,
    InvalidRequest,
    MalformedJson,
    NotJson,
    Problem,
    RequestTimeout,
    tell,
)
from comptoir.surfaces.api.reaching import may_refuse
from comptoir.surfaces.api.shapes import NO_NUL

_INTRODUCTION: Final = """
One stock and one order book for every channel.

**Sign in** with `Authorization: Bearer ctk_…`. A token has scopes; each operation names the one that it needs.

**Amounts** are whole minor units (cents) of the `currency` beside them. **Times** are RFC 3339, and given out in UTC. **Ids**
are text with a prefix that says what they name (`ord_…`). **Quantities** are whole units, thousandths of what is weighed.

**Retry safely**: give every change an `Idempotency-Key` of your own. The same key with the same request gets the first answer,
byte for byte, with `Idempotency-Replayed: true`, and has no second effect. A key is remembered for 30 days.

**Decide on what you saw**: what can be changed has a `version`, and an `ETag` that begins with it. Send it back as `If-Match`,
and a change is refused (412) when somebody else was faster. Send it as `If-None-Match`, and what is still as you have it is
answered 304, without a body.

**Lists** come in pages: go on with `cursor=` and the `next` of the page before, or follow `Link`. A page goes on after the row
that the last one ended with, so that nothing is skipped or met twice.

**Failures** are problem details (RFC 9457) with a `code` that does not change: [all of them](/docs/errors). After 503 and 429,
wait `Retry-After` seconds. Nothing is acknowledged before it is on disk.

Every answer has an `X-Request-Id`; send one of your own to find it again in events and logs.
""".strip()

_PARAMETERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "sku": (
        "The SKU. A slash in it is written %2F.",
        {"type": "string", "minLength": 1, "maxLength": 80, "examples": ["TEE-RED-M"]},
    ),
    "code": (
        "The code that names it.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "examples": ["web-fr"]},
    ),
    "version": (
        "Which version.",
        {"type": "integer", "minimum": 1, "maximum": 2_147_483_647, "examples": [3]},
    ),
    "external_id": (
        "The channel's own id of the order.",
        {"type": "string", "minLength": 1, "maxLength": 200, "examples": ["#1042"]},
    ),
}
_REPLAYED: Final = "true when this is the answer that was given before under the same Idempotency-Key."


def describe(resources: Sequence[Resource], url: str) -> Json:
    """The whole document."""
    operations = [operation for resource in resources for operation in resource.operations]
    types = [t for operation in operations for t in (operation.body_type, operation.answer_type, operation.query_type) if t]
    types = list(dict.fromkeys([*types, Problem]))
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Json]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, known, components)
    queries = {_name(known[operation.query_type]) for operation in operations if operation.query_type}
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Comptoir",
            "version": comptoir.__version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "tags": [{"name": resource.name, "description": resource.description} for resource in resources],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in sorted(components.items()) if name not in queries},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that an owner has made; the scope that an operation needs is named with it.",
                }
            },
        },
    }
    _exclude_nul(document)
    return _renamed(document)


def _exclude_nul(document: Json) -> None:
    """What is sent holds no NUL character, and says so: no text of a body may, whatever else is asked of it."""
    schemas = document["components"]["schemas"]
    bodies = [one["requestBody"] for path in document["paths"].values() for one in path.values() if "requestBody" in one]
    seen: set[str] = set()
    waiting: list[Any] = [content["schema"] for body in bodies for content in body["content"].values()]
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, list):
            waiting += cast("list[Any]", schema)
        elif isinstance(schema, dict):
            found = cast("Json", schema)
            name = str(found.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                waiting.append(schemas[name])
            if found.get("type") == "string" and not found.keys() & _TOLD_OTHERWISE:
                found["pattern"] = NO_NUL
            waiting += found.get("properties", {}).values()
            waiting += [value for key, value in found.items() if key not in _NO_SCHEMAS]


_TOLD_OTHERWISE = frozenset({"pattern", "format", "enum", "const"})
_NO_SCHEMAS = frozenset({"properties", "default", "example", "examples", "discriminator"})


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _renamed(document: Json) -> Json:
    """`LocationShape` is called Location outside, and a page of them LocationPage."""
    text = msgspec.json.encode(document).decode()
    text = re.sub(r"comptoir\.modules\.(\w)(\w*)\.contracts\.(?=\w)", lambda found: found[1].upper() + found[2], text)
    text = re.sub(r"PageOf[_\[](\w+?)(?:Shape)?[_\]](?=\")", r"\1Page", text)
    text = re.sub(r"(?<=[/\"])(\w+)Shape(?=\")", r"\1", text)
    return cast("Json", msgspec.json.decode(text))


def _operation(operation: Operation, known: Mapping[Any, Any], components: Mapping[str, Any]) -> Json:
    summary, description = operation.words
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary,
        "description": _described(operation, description),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, known, components), *_headers(operation)],
        "responses": _responses(operation, known, components),
        "security": [] if operation.public else [{"token": [operation.scope.value] if operation.scope else []}],
    }
    if operation.body_type is not None:
        schema = known[operation.body_type]
        example = operation.example or example_of(schema, components)
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    elif operation.streams:
        file = {"schema": {"type": "string", "format": "binary", "minLength": 1}, "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    return described


def _described(operation: Operation, description: str) -> str:
    scope = f"Needs the scope `{operation.scope.value}`." if operation.scope else ""
    if not operation.scope:
        scope = "Open to everybody." if operation.public else "Any token will do."
    return f"{description}\n\n{scope}".strip()


def _path_parameters(operation: Operation) -> list[Json]:
    found: list[Json] = []
    for name in operation.parameters:
        kind = name.removesuffix("_id")
        if kind in PREFIXES:
            words = f"The id of the {kind.replace('_', ' ')}."
            schema: Json = {"type": "string", "pattern": id_pattern(kind), "examples": [id_example(kind)]}
        else:
            words, schema = _PARAMETERS[name][0], dict(_PARAMETERS[name][1])
        found.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": words,
                "schema": schema,
                "example": schema["examples"][0],
            }
        )
    return found


def _query_parameters(operation: Operation, known: Mapping[Any, Any], components: Mapping[str, Any]) -> list[Json]:
    if operation.query_type is None:
        return []
    schema = cast("Json", components[_name(known[operation.query_type])])
    required = set(schema.get("required", ()))
    found: list[Json] = []
    for name, one in cast("Mapping[str, Json]", schema["properties"]).items():
        bare = _sendable(one)
        parameter: Json = {"name": name, "in": "query", "required": name in required, "schema": bare}
        parameter["description"] = bare.pop("description", None) or name.replace("_", " ").capitalize() + "."
        if name != "cursor":
            parameter["example"] = example_of(bare, components)
        found.append(parameter)
    return found


def _sendable(schema: Json) -> Json:
    """Without null, which a query cannot say: what is not sent is not there."""
    bare = {name: value for name, value in schema.items() if name != "default" or value is not None}
    options = cast("list[Json] | None", bare.get("anyOf"))
    if options is None:
        return bare
    (only,) = [option for option in options if option.get("type") != "null"]
    return {name: value for name, value in bare.items() if name != "anyOf"} | only


def _headers(operation: Operation) -> list[Json]:
    found: list[Json] = []
    if operation.changes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Your own name for this request: it is done once, however often it is sent. Recommended.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
            }
        )
    if operation.if_match:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The ETag of what you decided on; when it has changed since, the answer is 412.",
                "schema": {"type": "string", "pattern": '^("[0-9]{1,9}(-[0-9a-f]{8})?"|\\*)$'},
                "example": '"3"',
            }
        )
    if operation.worded:
        found.append(
            {
                "name": "Accept-Language",
                "in": "header",
                "required": False,
                "description": "In which language its words are, of `en` and `fr`. `Content-Language` says which it was.",
                "schema": {"type": "string"},
                "example": "fr",
            }
        )
    return found


def _has_tag(operation: Operation) -> bool:
    """Whether it is read under a tag, and may be asked for only if it has changed."""
    return operation.method == "GET" and operation.names_itself


def _responses(operation: Operation, known: Mapping[Any, Any], components: Mapping[str, Any]) -> Json:
    headers: Json = {"X-Request-Id": {"description": "Of this request.", "schema": {"type": "string"}}}
    if operation.changes:
        headers["Idempotency-Replayed"] = {"description": _REPLAYED, "schema": {"type": "string", "enum": ["true"]}}
    if operation.worded:
        headers["Content-Language"] = {"description": "Of its words.", "schema": {"type": "string", "enum": ["en", "fr"]}}
        headers["Vary"] = {"description": "What the answer depends on.", "schema": {"type": "string"}}
    if operation.names_itself:
        fields = operation.answer_type.__struct_fields__
        if "version" in fields:
            headers["ETag"] = {"description": "It begins with the version.", "schema": {"type": "string"}}
        if operation.status == 201:
            headers["Location"] = {"description": "Where it is now.", "schema": {"type": "string"}}
    good: Json = {"description": HTTPStatus(operation.status).phrase, "headers": headers}
    if operation.answer_type is not None and operation.content_type == "application/json":
        schema = known[operation.answer_type]
        good["content"] = {"application/json": {"schema": schema, "example": example_of(schema, components)}}
        if _name(schema).startswith("PageOf") if "$ref" in schema else False:
            headers["Link"] = {"description": "The pages around this one (RFC 8288).", "schema": {"type": "string"}}
    elif operation.answer_type is not None:
        good["content"] = {operation.content_type: {"schema": {"type": "string"}}}
    found: Json = {str(operation.status): good}
    if _has_tag(operation):
        found["304"] = {"description": "With the ETag of what you have as `If-None-Match`: it is still so.", "headers": headers}
    return found | _failures(operation)


def _failures(operation: Operation) -> Json:
    by_status: dict[int, list[type[Refusal]]] = {}
    for refusal in _refusals(operation):
        by_status.setdefault(refusal.status, []).append(refusal)
    found: Json = {}
    for status, refusals in sorted(by_status.items()):
        words = "; ".join(f"`{refusal.code}`: {refusal.title}" for refusal in refusals)
        examples = {refusal.code: {"value": _example(refusal)} for refusal in refusals}
        found[str(status)] = _problem(words, examples)
    found["500"] = _problem("`internal_error`: something broke here", {})
    found["503"] = _problem("The database does not answer, or more is waiting than will be done soon: see `Retry-After`", {})
    return found


def _problem(words: str, examples: Json) -> Json:
    content: Json = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if examples:
        content["examples"] = examples
    return {"description": words, "content": {"application/problem+json": content}}


def _example(refusal: type[Refusal]) -> Any:
    return msgspec.json.decode(tell(refusal(), "01993f6a5b7c7d8e9f0a1b2c3d4e5f60").body)


def _refusals(operation: Operation) -> Iterable[type[Refusal]]:
    """What this operation may refuse, the most particular first."""
    found: list[type[Refusal]] = list(operation.codes)
    ids = [name for name in operation.parameters if name.removesuffix("_id") in PREFIXES]
    if ids and not any(refusal.status == NotFound.status for refusal in found):
        found.append(NotFound)
    if operation.if_match and not any(issubclass(refusal, Stale) for refusal in found):
        found.append(Stale)
    if operation.body_type is not None:
        found += [MalformedJson, NotJson, InvalidRequest, Invalid, OutOfRange]
    if operation.method != "GET":
        found += [BodyTooLarge, RequestTimeout]
    if operation.query_type is not None or operation.parameters:
        found += [InvalidRequest, Invalid]
    if not operation.public:
        found += [Unauthenticated, TooManyRequests]
    if operation.scope is not None:
        found.append(NotPermitted)
    if not operation.public and may_refuse(operation):
        found.append(OtherLocation)
    return {refusal.code: refusal for refusal in reversed(found)}.values()
