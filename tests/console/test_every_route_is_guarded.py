"""Whoever is limited to some locations is refused for every other one, at every page and every operation that there is.

The walk is over the routes themselves: a new one is in it without a word here. Where it fails for yours, the thing that it
names is of a kind that `surfaces/reach.py` does not know yet, or it names nothing of a location: say in the table of its
surface
(`console/reaching.py`, `api/reaching.py`) how it is tied to one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx2
import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from comptoir.kernel.ids import from_text, to_text, uuid7
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, Whereabouts
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, Scope, UserDraft
from comptoir.runtime.database import Reader
from comptoir.surfaces import reach
from comptoir.surfaces.api import reaching as api_reaching
from comptoir.surfaces.api.identifiers import PREFIXES
from comptoir.surfaces.api.operations import Operation
from comptoir.surfaces.api.routes import RESOURCES
from comptoir.surfaces.console import reaching
from comptoir.surfaces.console.pages import AREAS
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.console.reaching import BOUND_PARTS, FREE_PARTS, Steps
from comptoir.surfaces.console.web import Route
from comptoir.surfaces.reach import FINDERS, UNBOUND, Bound
from comptoir.surfaces.services import Services
from support.console import PASSWORD, Shop, application, visiting

OWN, OTHER = "S367", "WH-CIN"
PAGES: Sequence[Route] = [route for area in AREAS for route in area.routes if not route.rule.public]
OPERATIONS: Sequence[Operation] = [one for resource in RESOURCES for one in resource.operations if not one.public]
PARTS = {
    "location_id": "loc", "from_id": "loc", "to_id": "loc", "fulfilment_id": "ful", "wave_id": "wav", "label_id": "lbl",
    "pickup_id": "pku", "locker_id": "lck", "terms_id": "ctm", "count_id": "cnt", "transfer_id": "trf", "supply_id": "sup",
    "purchase_id": "pur", "tracked_id": "trk", "scan_id": "scn", "exception_id": "exc",
}  # fmt: skip
"""What the parts of the pages' addresses are ids of."""


@dataclass
class Limited:
    """Somebody who works at one store, at the console and with a token."""

    client: httpx2.AsyncClient
    form_token: str
    api_token: str
    own: LocationId
    other: LocationId
    order: str
    """Something of it is promised by the other location."""
    ours: UUID
    """The id of whatever is of their own location; every other id is of the other."""

    def theirs(self, prefix: str) -> str:
        """An id of that kind, of what belongs to the other location."""
        return to_text(prefix, self.other if prefix == LOCATION_PREFIX else uuid7())

    def mine(self, prefix: str) -> str:
        return to_text(prefix, self.own if prefix == LOCATION_PREFIX else self.ours)

    async def send(self, path: str, values: Mapping[str, str]) -> httpx2.Response:
        origin = {"origin": "http://testserver"}
        return await self.client.post(path, data={"_token": self.form_token, **values}, headers=origin)

    async def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        given_token = {"authorization": f"Bearer {self.api_token}"}
        return await self.client.request(method, path, json=body if method != "GET" else None, headers=given_token)


@pytest.fixture
def app(parts: Services) -> Litestar:
    return application(parts)


@pytest_asyncio.fixture(loop_scope="session")
async def limited(parts: Services, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Any:
    own, other, ours = shop.locations[OWN], shop.locations[OTHER], uuid7()

    async def elsewhere(_reader: Reader, _kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
        return [Whereabouts(one, own if one == ours else other) for one in ids]

    finders = {kind: find if kind == LOCATION_PREFIX else elsewhere for kind, find in FINDERS.items()}
    monkeypatch.setattr(reach, "FINDERS", finders)
    draft = UserDraft(email="limited@example.com", name="Lou", role=Role.OPERATIONS, locale="en", locations=(own,))
    async with parts.database.transaction() as tx:
        await staff.create_user(tx, draft, PASSWORD)
        _, token = await staff.create_token(tx, "limited", list(Scope), limited_to=[own])
    async with visiting(application(parts)) as visitor:
        assert (await visitor.sign_in(draft.email)).status_code == 303
        page = (await visitor.get("/account")).text
        found = re.search(r'name="_token" value="([0-9a-f]+)"', page)
        assert found is not None
        order = to_text("ord", shop.orders["fresh"])
        yield Limited(visitor.client, found[1], token, own, other, order, ours)


# What there is


def test_every_kind_of_id_is_either_of_a_location_or_said_not_to_be() -> None:
    known = set(FINDERS) | UNBOUND
    assert set(PREFIXES.values()) - known == set()
    assert {PREFIXES[kind] for kind in api_reaching.BOUND} == set(FINDERS)


def test_every_part_of_an_address_of_the_console_is_known() -> None:
    parts = {part for route in PAGES for part in re.findall(r"\{(\w+):", route.path)}
    assert parts - BOUND_PARTS - FREE_PARTS == set()
    assert set(PARTS) == BOUND_PARTS


def test_the_tables_name_only_what_there_is() -> None:
    there = {(route.method, route.path) for area in AREAS for route in area.routes}
    assert set(reaching.RULES) - there == set()
    assert set(api_reaching.RULES) - {one.name for one in OPERATIONS} == set()


def test_what_nobody_has_thought_of_is_refused() -> None:
    assert reaching.rule_of("POST", "/new/{thing:str}", {}).bound is Bound.COMPANY


def test_every_list_of_a_location_can_be_narrowed_to_several() -> None:
    for one in OPERATIONS:
        if one.query_type is None or api_reaching.rule_of(one).bound is not Bound.WITHIN:
            continue
        fields = {field.name: field for field in cast("Any", msgspec.inspect.type_info(one.query_type)).fields}
        place = fields.get("location_id")
        if place is not None and not place.required:
            kind = place.type.type if isinstance(place.type, msgspec.inspect.Metadata) else place.type
            assert isinstance(kind, msgspec.inspect.VarTupleType), f"{one.name} takes one location, or all of them"


@given(st.sampled_from(sorted(FINDERS)), st.uuids(), st.sampled_from(["", " ", "units-", "x_", "\n"]), st.booleans())
def test_an_id_is_found_however_it_is_written(kind: str, value: UUID, before: str, loud: bool) -> None:
    text = to_text(kind, value)
    head, _, body = text.partition("_")
    written = f"{before}{head}_{body.upper().replace('K', chr(0x212A)) if loud else body}"
    assert from_text(kind, written.removeprefix(before)) == value, "this is how it would be read"
    assert [one.id for one in reach.named_in("x", written)] == [value]


# Pages


def _address(route: Route, of: Limited, ids: Any, **steps: str) -> str:
    def part(found: re.Match[str]) -> str:
        name = found[1]
        if name in PARTS:
            return cast("str", ids(PARTS[name]))
        return steps.get(name) or (of.order if name == "order_id" else "1")

    return re.sub(r"\{(\w+):\w+\}", part, route.path)


def _steps(route: Route) -> Iterator[dict[str, str]]:
    found = reaching.RULES.get((route.method, route.path))
    if isinstance(found, Steps):
        yield from ({found.part: name} for name in found.rules)
    yield {}


def _refused(answer: httpx2.Response, what: str) -> None:
    assert answer.status_code == 403, f"{what}: {answer.status_code} {answer.headers.get('location', '')}"
    told = answer.text
    assert "This belongs to another store" in told or "Your role does not allow this." in told, what


async def test_every_page_that_shows_the_work_of_another_store_is_refused(limited: Limited) -> None:
    looked = 0
    for route in PAGES:
        if route.method != "GET" or not reaching.has_id(route.path):
            continue
        for steps in _steps(route):
            if reaching.rule_of("GET", route.path, steps).bound in {Bound.SEEN, Bound.ANYWHERE}:
                continue
            answer = await limited.client.get(_address(route, limited, limited.theirs, **steps))
            _refused(answer, f"GET {route.path} {steps}")
            looked += 1
    assert looked > 20


async def test_every_form_that_acts_on_another_store_is_refused(limited: Limited) -> None:
    looked = 0
    for route in PAGES:
        for steps in _steps(route) if route.method == "POST" else ():
            rule = reaching.rule_of("POST", route.path, steps)
            if rule.bound is Bound.ANYWHERE:
                continue
            what = f"POST {route.path} {steps} ({rule.bound})"
            if "{change_id:" in route.path:
                continue  # of an order: test_limited_staff.py
            if reaching.has_id(route.path) or rule.bound in {Bound.ORDER, Bound.COMPANY}:
                path = _address(route, limited, limited.theirs, **steps)
                if not _only_free(route, rule.free):
                    _refused(await limited.send(path, {}), what)
            path = _address(route, limited, limited.mine, **steps)
            if rule.bound is not Bound.ORDER:
                for prefix in ("loc", "ful", "exc"):
                    _refused(await limited.send(path, {"anything": limited.theirs(prefix)}), f"{what} with {prefix}")
                    _refused(await limited.send(path, {limited.theirs(prefix): "1"}), f"{what} in a name")
            looked += 1
    assert looked > 60


def _only_free(route: Route, free: tuple[str, ...]) -> bool:
    bound = [part for part in re.findall(r"\{(\w+):", route.path) if part in BOUND_PARTS]
    return bool(bound) and all(part.startswith(free or ("\0",)) for part in bound)


async def test_a_device_that_stands_in_another_store_does_nothing_there(limited: Limited) -> None:
    limited.client.cookies.set(COOKIE, to_text("loc", limited.other))
    acted = [
        route for route in PAGES if route.method == "POST" and reaching.rule_of("POST", route.path, {}).bound is Bound.HERE
    ]
    assert len(acted) >= 10
    for route in acted:
        _refused(await limited.send(_address(route, limited, limited.mine), {}), route.path)


# Operations


def _fields(info: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every field that takes an id of what belongs to a location, with its prefix."""
    match info:
        case msgspec.inspect.Metadata(type=inner):
            yield from _fields(inner, name)
        case msgspec.inspect.StrType(pattern=pattern) if pattern and pattern.partition("_")[0].lstrip("^") in FINDERS:
            yield name, pattern.partition("_")[0].lstrip("^")
        case msgspec.inspect.StructType(fields=fields):
            for field in fields:
                yield from _fields(field.type, field.encode_name)
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from _fields(one, name)
        case (
            msgspec.inspect.VarTupleType(item_type=item)
            | msgspec.inspect.ListType(item_type=item)
            | msgspec.inspect.SetType(item_type=item)
        ):
            yield from _fields(item, name)
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            yield from _fields(key, name)
            yield from _fields(value, name)
        case _:
            return


def _path(operation: Operation, of: Limited, ids: Any) -> str:
    def part(found: re.Match[str]) -> str:
        kind = found[1].removesuffix("_id")
        if kind in api_reaching.BOUND:
            return cast("str", ids(PREFIXES[kind]))
        return of.order if kind == "order" else to_text(PREFIXES[kind], uuid7()) if kind in PREFIXES else "1"

    return re.sub(r"\{(\w+)\}", part, operation.path)


def _told(answer: httpx2.Response, what: str) -> None:
    assert answer.status_code == 403, f"{what}: {answer.status_code} {answer.text[:200]}"
    assert answer.json()["code"] in {"other_location", "not_permitted"}, what


async def test_every_operation_on_what_belongs_to_another_store_is_refused(limited: Limited) -> None:
    looked = 0
    for one in OPERATIONS:
        rule = api_reaching.rule_of(one)
        reads = one.method == "GET" or one.asks
        if rule.bound is Bound.ANYWHERE or (rule.bound is Bound.SEEN and reads) or one.streams:
            continue
        if "change_id" in one.parameters:
            continue  # of an order: test_limited_staff.py
        bound = [part for part in one.parameters if part.removesuffix("_id") in api_reaching.BOUND]
        if bound or not (reads or rule.bound is Bound.NAMED):
            body = {"order_id": limited.order} if rule.bound is Bound.ORDER else {}
            _told(await limited.ask(one.method, _path(one, limited, limited.theirs), body), f"{one.name}: address")
            looked += 1
        for name, prefix in _fields(msgspec.inspect.type_info(one.body_type)) if one.body_type is not None else ():
            if name in rule.free or rule.bound is Bound.ORDER:
                continue
            path = _path(one, limited, limited.mine)
            _told(await limited.ask(one.method, path, {name: limited.theirs(prefix)}), f"{one.name}: {name}")
            _told(await limited.ask(one.method, path, {"x": [{name: [limited.theirs(prefix)]}]}), f"{one.name}: deep")
        for name, prefix in _fields(msgspec.inspect.type_info(one.query_type)) if one.query_type is not None else ():
            if name in rule.free:
                continue
            path = f"{_path(one, limited, limited.mine)}?{name}={limited.theirs(prefix)}"
            _told(await limited.ask(one.method, path), f"{one.name}?{name}")
            looked += 1
    assert looked > 100
