from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from api.conftest import Api, problem
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api import docs, openapi
from comptoir.surfaces.api.asking import BodyReader
from comptoir.surfaces.api.operations import Operation
from comptoir.surfaces.api.problems import error_catalogue
from comptoir.surfaces.api.routes import RESOURCES, description

OPERATIONS = [operation for resource in RESOURCES for operation in resource.operations]
EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])
DOCUMENT: dict[str, Any] = description("http://testserver")


def described(operation: Operation) -> dict[str, Any]:
    return DOCUMENT["paths"][operation.path][operation.method.lower()]


@EVERY
def test_every_operation_is_described(operation: Operation) -> None:
    own = described(operation)
    assert own["operationId"] == operation.name
    assert own["summary"]
    assert own["summary"][0].isupper()
    assert operation.public == (own["security"] == [])
    if operation.scope:
        assert own["security"] == [{"token": [operation.scope.value]}]
        assert f"`{operation.scope.value}`" in own["description"]
    for parameter in own["parameters"]:
        assert parameter["description"], parameter
        assert "example" in parameter or parameter["name"] == "cursor"
    assert set(re.findall(r"\{(\w+)\}", operation.path)) == {p["name"] for p in own["parameters"] if p["in"] == "path"}
    statuses = set(own["responses"])
    assert {str(operation.status), "500", "503"} <= statuses
    if not operation.public:
        assert {"401", "429"} <= statuses


@EVERY
def test_every_example_is_one(operation: Operation) -> None:
    own = described(operation)
    if operation.body_type is not None:
        example = own["requestBody"]["content"]["application/json"]["example"]
        BodyReader[Any](operation.body_type)(json.dumps(example).encode(), {b"content-type": b"application/json"})
    if operation.answer_type is not None and operation.content_type == "application/json":
        example = own["responses"][str(operation.status)]["content"]["application/json"]["example"]
        msgspec.json.decode(json.dumps(example), type=operation.answer_type)


@EVERY
def test_reading_needs_no_key_and_changing_takes_one(operation: Operation) -> None:
    names = {parameter["name"] for parameter in described(operation)["parameters"]}
    assert ("Idempotency-Key" in names) == operation.changes
    assert ("If-Match" in names) == operation.if_match
    if operation.scope is not None and operation.scope.value.endswith(":read"):
        assert not operation.changes


def test_names_are_unique_and_every_scope_is_needed_somewhere() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {operation.scope for operation in OPERATIONS} >= set(Scope)


def test_no_two_schemas_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    renamed = openapi._renamed

    def watched(document: dict[str, Any]) -> dict[str, Any]:
        after = renamed(document)
        counted.extend(len(one["components"]["schemas"]) for one in (document, after))
        return after

    monkeypatch.setattr(openapi, "_renamed", watched)
    openapi.describe(RESOURCES, "http://testserver")
    assert counted[0] == counted[1], "a shape is called as another outside"
    shapes = {t for o in OPERATIONS for t in (o.body_type, o.answer_type) if t is not None}
    text = json.dumps(DOCUMENT)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named <= DOCUMENT["components"]["schemas"].keys()
    assert len(shapes) < len(DOCUMENT["components"]["schemas"])
    assert not [name for name in DOCUMENT["components"]["schemas"] if "." in name or name.endswith("Shape")]


async def test_the_description_and_its_browser_are_served_by_us_alone(api: Api) -> None:
    answer = await api.client.get("/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    page = await api.client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    sources = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text)
    assert sources
    for source in sources:
        assert source.startswith(("/", "data:")), source
        if source.startswith("/"):
            found = await api.client.get(source)
            assert found.status_code == 200, source
    script = await api.client.get(next(one for one in sources if "rapidoc" in one))
    assert (script.headers["content-type"], script.headers["x-content-type-options"]) == (
        "text/javascript; charset=utf-8",
        "nosniff",
    )
    problem(await api.client.get("/docs/static/../conftest.py"), 404, "unknown_route")
    problem(await api.client.get("/docs/static/%2e%2e/docs.py"), 404, "unknown_route")
    problem(await api.client.post("/openapi.json"), 405, "method_not_allowed")


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    folder = Path(docs.__file__).parent / "static/vendor"
    (entry,) = json.loads((folder / "manifest.json").read_text())
    for name, digest in entry["files"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest, name


async def test_every_code_is_listed(api: Api) -> None:
    page = (await api.client.get("/docs/errors")).text
    codes = [entry.code for entry in error_catalogue()]
    assert {"insufficient_stock", "invalid_request", "internal_error", "database_unavailable", "unauthenticated"} <= set(codes)
    assert len(set(codes)) == len(codes), "one code has one meaning and one status"
    for entry in error_catalogue():
        assert f'id="{entry.code}"' in page
        assert entry.title
    used = {code for o in OPERATIONS for code in (refusal.code for refusal in o.codes)}
    assert used <= set(codes)


async def test_every_answer_has_the_headers_that_keep_it_safe(api: Api) -> None:
    for answer in (await api.get("/v1/me"), await api.get("/v1/nope"), await api.client.get("/healthz")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "set-cookie" not in answer.headers


async def test_figures_are_for_this_machine_and_for_holders_of_a_token(api: Api) -> None:
    await api.get("/v1/orders/ord_01kag8v6w3e9n8r2t5y7z4c6bd")
    figures = (await api.client.get("/metrics")).text
    assert 'comptoir_http_requests_total{method="GET",process="web",route="/v1/orders/{order_id}",status="404"} 1.0' in figures
    assert 'comptoir_process_up{process="web"} 1.0' in figures
    assert 'comptoir_db_pool{figure="pool_max",pool="main",process="web"} 10.0' in figures
    problem(await api.client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"}), 401, "unauthenticated")
    far: Any = httpx2.ASGITransport(app=api.app, client=("192.0.2.7", 1))
    async with httpx2.AsyncClient(transport=far, base_url="http://testserver") as client:
        problem(await client.get("/metrics"), 401, "unauthenticated")
        assert (await client.get("/metrics", headers={"authorization": f"Bearer {api.token}"})).status_code == 200
