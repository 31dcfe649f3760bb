"""Every id that leaves in an event or a webhook is one that the API takes back as it is."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest

import comptoir.app
from api.conftest import Api, fed
from comptoir.kernel.ids import from_text, uuid7
from comptoir.modules.webhooks import api as webhooks
from comptoir.modules.webhooks.contracts import DeliveryFilter, EndpointDraft
from comptoir.modules.webhooks.subscribers import consumer
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.events import Event
from comptoir.surfaces.api.identifiers import PREFIXES, outward
from comptoir.surfaces.services import Services
from support.consumers import drained

assert comptoir.app, "with it, every module and so every event is imported"

RAW = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def _events(kind: type[Event] = Event) -> Iterator[type[Event]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("comptoir."):
            if getattr(one, "type", ""):
                yield one
            yield from _events(one)


def _sample(hint: Any) -> Any:  # noqa: PLR0911 - one answer for each kind of type
    """Some value of that type, with something in every list."""
    hint = getattr(hint, "__supertype__", hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return _sample(next(part for part in parts if part is not type(None)))
    if origin is typing.Literal:
        return parts[0]
    if origin is typing.Annotated:
        return _sample(parts[0])
    if origin in {tuple, list, Sequence, set, frozenset}:
        own = [part for part in parts if part is not ...]
        return [_sample(part) for part in (own if origin is tuple and ... not in parts else own[:1])]
    if origin in {dict, Mapping}:
        return {"x": 1}
    if isinstance(hint, type) and (hasattr(hint, "__struct_fields__") or hasattr(hint, "__dataclass_fields__")):
        return {name: _sample(part) for name, part in get_type_hints(hint).items() if get_origin(part) is not typing.ClassVar}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    plain: dict[Any, Any] = {
        UUID: uuid7(),
        str: "x",
        int: 1,
        bool: True,
        float: 1.0,
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        date: date(2026, 1, 1),
        Decimal: Decimal(1),
        object: "x",
    }
    return plain.get(hint, "x")


EVENTS = sorted(set(_events()), key=lambda one: one.type)


@pytest.mark.parametrize("event", EVENTS, ids=[one.type for one in EVENTS])
def test_no_event_shows_an_id_that_the_api_does_not_know(event: type[Event]) -> None:
    told = json.dumps(outward(json.loads(msgspec.json.encode(_sample(event)))))
    assert not RAW.search(told), told
    for prefix, text in re.findall(r'"(([a-z]+)_[0-9a-hjkmnp-tv-z]{26})"', told):
        assert text in PREFIXES.values()
        assert from_text(text, prefix)


async def test_a_receiver_asks_with_what_it_was_sent(api: Api, services: Services) -> None:
    async with services.database.transaction() as tx:
        await webhooks.create_endpoint(
            tx, services.keyring, EndpointDraft(url="https://example.com/hook", types=("*",)), allow_private=True
        )
    runner = ConsumerRunner(services.database, [consumer(outward)])
    await runner.register()
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]})).json()
    await drained(services.database, runner)
    async with services.database.read() as reader:
        page = await webhooks.find_deliveries(reader, DeliveryFilter(type="order.placed"))
        detail = await webhooks.get_delivery(reader, page.items[0].id)
    sent = json.loads(detail.payload)
    assert not RAW.search(detail.payload)
    assert sent["data"]["order_id"] == placed["id"]
    assert (await api.get(f"/v1/orders/{sent['data']['order_id']}")).status_code == 200
    feed = (await fed(api, "order.placed", 1))[-1]
    assert (feed["id"], feed["data"]) == (sent["id"], sent["data"])
