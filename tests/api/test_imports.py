"""Imports through the API: a file comes in, a worker reads it, and what was not taken goes out as a file again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from api.conftest import Api, problem
from comptoir.kernel.ids import from_text
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import WHOLE
from comptoir.surfaces.api.imports import imports
from comptoir.surfaces.imports.keeping import FOLDER
from comptoir.surfaces.jobs.imports import ImportJob

STOCK = b"sku;location;on_hand\nTEA;paris;1 200\nCOFFEE;lyon;7\nCOFFEE;nowhere;1\nWINE;lyon;2\n"


async def _upload(api: Api, content: bytes = STOCK, name: str = "stock.csv", **more: Any) -> str:
    answer = await api.post("/v1/imports/files", content, name=name, headers={"content-type": "text/csv"}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()["file"]


async def _start(api: Api, file: str, kind: str = "stock", **more: Any) -> dict[str, Any]:
    answer = await api.post("/v1/imports", {"kind": kind, "files": [file], **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    return answer.json()


async def _work(api: Api, started: dict[str, Any]) -> dict[str, Any]:
    """What a worker does, and how the import stands then."""
    await ImportJob(api.services.database)(run_id=str(_uuid(started)))
    return (await api.get(f"/v1/imports/{started['id']}")).json()


def _uuid(started: dict[str, Any]) -> UUID:
    return from_text("imp", started["id"])


def _kept(api: Api) -> list[Path]:
    folder = api.services.settings.data / FOLDER
    return sorted(folder.iterdir()) if folder.exists() else []


async def _on_hand(api: Api, sku: str) -> int:
    async with api.services.database.read() as reader:
        return await reader.value("SELECT sum(on_hand) FROM inventory.levels WHERE sku = %(sku)s", {"sku": sku})


async def test_a_file_is_rehearsed_then_imported_and_its_rejected_rows_come_back(api: Api) -> None:
    file = await _upload(api)
    dry = await _start(api, file, dry_run=True)
    assert (dry["state"], dry["dry_run"], dry["file_name"], dry["kind"]) == ("waiting", True, "stock.csv", "stock")
    rehearsed = await _work(api, dry)
    assert (rehearsed["state"], rehearsed["report"]["taken"]) == ("done", 2)
    assert await _on_hand(api, "TEA") == 15

    done = await _work(api, await _start(api, file))
    assert (done["state"], done["position"], done["report"]["rows"]) == ("done", 4, 4)
    assert done["report"]["rejected"] == {"unknown_location": 1, "unknown_sku": 1}
    assert await _on_hand(api, "TEA") == 1205

    told = (await api.get(f"/v1/imports/{done['id']}/rejections")).json()["items"]
    assert [(one["line"], one["code"]) for one in told] == [(4, "unknown_location"), (5, "unknown_sku")]
    assert list(told[0]["cells"].items()) == [("sku", "COFFEE"), ("location", "nowhere"), ("on_hand", "1")]
    assert told[1]["advice"].endswith("or start the import with `create_products`: true.")
    rejected = await api.get(f"/v1/imports/{done['id']}/rejections.csv")
    assert rejected.headers["content-type"] == "text/csv; charset=utf-8"
    assert "stock.rejected.csv" in rejected.headers["content-disposition"]
    lines = rejected.text.lstrip("\ufeff").splitlines()
    assert lines[0] == '"sku";"location";"on_hand";"comptoir_line";"comptoir_reason";"comptoir_advice"'
    assert lines[1].startswith('"COFFEE";"nowhere";"1";"4";"There is no location nowhere. (unknown_location)"')

    corrected = rejected.content.replace(b"nowhere", b"paris").replace(b"WINE", b"TEA")
    again = await _work(api, await _start(api, await _upload(api, corrected)))
    assert (again["report"]["taken"], again["report"]["rejected"]) == (2, {})


async def test_a_file_of_rejected_rows_comes_whole_also_from_a_server_that_sends_answers_in_one_piece(api: Api) -> None:
    done = await _work(api, await _start(api, await _upload(api)))

    def whole(status: int, head: bytes, body: bytes) -> bool:
        raise AssertionError(f"a stream was sent in one piece: {status} {head!r} {body!r}")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await api.app({**scope, "extensions": {WHOLE: whole}}, receive, send)

    transport: Any = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        headers = {"authorization": f"Bearer {api.token}"}
        answer = await client.get(f"/v1/imports/{done['id']}/rejections.csv", headers=headers)
        assert answer.text.count("\r\n") == 3
        head = await client.head(f"/v1/imports/{done['id']}/rejections.csv", headers=headers)
        assert (head.status_code, head.content) == (200, b"")


async def test_how_a_file_is_written_may_be_said(api: Api) -> None:
    file = await _upload(api, "référence|magasin|quantité\nTEA|paris|1,000\n".encode("cp1252"))
    options = {"encoding": "cp1252", "separator": "|", "decimal": ","}
    done = await _work(api, await _start(api, file, options=options))
    assert (done["state"], await _on_hand(api, "TEA")) == ("done", 6)


async def test_the_same_file_again_is_refused_until_it_is_meant(api: Api) -> None:
    first = await _work(api, await _start(api, await _upload(api)))
    second = await _upload(api)
    told = problem(await api.post("/v1/imports", {"kind": "stock", "files": [second]}), 409, "already_imported")
    assert told["data"]["id"] == first["id"]
    done = await _work(api, await _start(api, second, again=True))
    assert done["report"]["outcomes"]["unchanged"] == 2


async def test_an_upload_and_a_start_that_are_sent_twice_are_done_once(api: Api) -> None:
    file = await _upload(api, key="upload-1")
    assert await _upload(api, key="upload-1") == file
    assert len(_kept(api)) == 1
    headers = {"content-type": "text/csv"}
    other = await api.post("/v1/imports/files", b"sku\n", name="stock.csv", key="upload-1", headers=headers)
    problem(other, 422, "idempotency_key_reused")
    assert len(_kept(api)) == 1
    body = {"kind": "stock", "files": [file]}
    answers = [await api.post("/v1/imports", body, key="start-1") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert await api.counted("imports.runs") == 1


async def test_a_file_that_is_too_large_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = next(one for one in imports.operations if one.name == "upload_import_file")
    monkeypatch.setitem(vars(operation), "max_body", 100)
    answer = await api.post("/v1/imports/files", b"x" * 101, name="stock.csv")
    assert problem(answer, 413, "body_too_large")["data"] == {"limit": 100}
    assert _kept(api) == []


async def test_a_file_without_content_is_refused(api: Api) -> None:
    problem(await api.post("/v1/imports/files", b"", name="stock.csv"), 422, "invalid_request")
    problem(await api.post("/v1/imports/files", STOCK), 422, "invalid_request")  # it has no name
    assert _kept(api) == []


async def test_a_file_belongs_to_the_token_that_has_uploaded_it(api: Api) -> None:
    file = await _upload(api)
    other = await api.new_token(Scope.IMPORTS_WRITE)
    body = {"kind": "stock", "files": [file]}
    problem(await api.post("/v1/imports", body, token=other), 404, "unknown_upload")
    problem(await api.post("/v1/imports", {"kind": "stock", "files": [file[:-4]]}), 404, "unknown_upload")
    for path in _kept(api):
        path.unlink()
    told = problem(await api.post("/v1/imports", body), 404, "unknown_upload")
    assert told["data"]["file"] == file


async def test_importing_needs_its_scope(api: Api) -> None:
    other = await api.new_token(Scope.STOCK_READ)
    problem(await api.post("/v1/imports/files", STOCK, name="stock.csv", token=other), 403, "not_permitted")
    problem(await api.post("/v1/imports", {"kind": "stock", "files": ["x"]}, token=other), 403, "not_permitted")
    assert _kept(api) == []


async def test_what_cannot_be_meant_is_told_at_once(api: Api) -> None:
    file = await _upload(api)
    options = {"encoding": "klingon", "time_zone": "Europe/Atlantis"}
    body = {"kind": "stock", "files": [file, file], "options": options, "layout": "magento"}
    told = problem(await api.post("/v1/imports", body), 422, "invalid")
    assert [one["path"] for one in told["errors"]] == ["/files", "/options/encoding", "/options/time_zone", "/layout"]
    assert "uci" in told["errors"][-1]["message"]
    assert await api.counted("imports.runs") == 0


async def test_an_import_that_fails_says_why_and_may_go_on_or_be_stopped(api: Api) -> None:
    started = await _start(api, await _upload(api, b"colour,shape\nred,round\n"), kind="orders")
    with pytest.raises(Exception, match="layout"):
        await _work(api, started)
    here = f"/v1/imports/{started['id']}"
    failed = (await api.get(here)).json()
    assert (failed["state"], failed["problem"]) == ("failed", "No known layout has these columns")
    assert (await api.post(f"{here}/resume", key="go-on")).json()["state"] == "failed"  # until a worker takes it
    stopped = await api.post(f"{here}/cancel")
    assert stopped.json()["state"] == "cancelled"
    assert problem(await api.post(f"{here}/cancel"), 409, "import_state")["data"]["state"] == "cancelled"
    problem(await api.post(f"{here}/resume"), 409, "import_state")
    problem(await api.get(f"{here}/rejections.csv", file=1), 404, "unknown_upload")
