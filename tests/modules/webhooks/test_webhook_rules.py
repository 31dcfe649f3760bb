"""The rules of webhooks as values: addresses, types, signatures, schedule."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from comptoir.kernel.errors import Invalid
from comptoir.modules.webhooks import domain
from comptoir.modules.webhooks.contracts import EndpointDraft, Result
from comptoir.modules.webhooks.domain import Decision, Secret, decide
from comptoir.runtime.events import Recorded
from comptoir.surfaces.api.identifiers import outward

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def draft(url: str = "https://shop.example/hook", types: tuple[str, ...] = ("order.*",)) -> EndpointDraft:
    return EndpointDraft(url=url, types=types)


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "http://shop.example/", "ftp://shop.example/", "https://", "https://u:p@shop.example/",
        "https://u@shop.example/",
        "https://shop.example/#x", "https://127.0.0.1/", "https://localhost/", "https://a.localhost/", "https://[::1]/", "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/", "https://shop.example:99999/", "https://shop.example:x/",
        "https://[", "https://a b/",
        "javascript:alert(1)", "https://shop.example/\x00", "https://shop.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        domain.checked(draft(url), allow_private=False)
    assert {error["path"] for error in refused.value.data["errors"]} == {"url"}  # pyright: ignore[reportGeneralTypeIssues]


def test_in_a_private_network_any_web_address_will_do() -> None:
    for url in ("http://10.0.0.1:8080/x?y=1", "http://localhost/", "https://till.local/"):
        assert domain.checked(draft(url), allow_private=True).url == url


@pytest.mark.parametrize(
    "types", [(), ("",), ("order",) * 3 + ("Order.Placed",), ("order.%",), ("order..placed",), ("*.placed",), ("order*",)]
)
def test_what_is_no_event_type_is_refused(types: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        domain.checked(draft(types=types), allow_private=False)


def test_types_are_types_prefixes_or_all_and_each_once() -> None:
    assert domain.checked(draft(types=("order.*", "*", "stock.changed", "order.*")), allow_private=False).types == (
        "order.*", "*", "stock.changed",
    )  # fmt: skip
    assert domain.wants(("order.*", "stock.changed"), "order.placed")
    assert domain.wants(("order.*", "stock.changed"), "stock.changed")
    assert not domain.wants(("order.*", "stock.changed"), "stock.counted")


def test_the_payload_says_what_when_and_which() -> None:
    event = Recorded(1, 2, UUID(int=7), "order.placed", NOW, "system", "", None, {"order_id": str(UUID(int=8))})
    assert json.loads(domain.payload(event, outward)) == {
        "type": "order.placed",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {"order_id": "ord_00000000000000000000000008"},
        "id": "evt_00000000000000000000000007",
    }


def test_the_schedule_is_that_of_the_specification() -> None:
    waits: list[float] = []
    for attempts in range(1, 10):
        decision = decide(Result(status=500), attempts, NOW, 0.0)
        assert decision.verdict == "retry"
        assert decision.next_at is not None
        waits.append((decision.next_at - NOW).total_seconds())
    assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert decide(Result(status=500), 10, NOW, 0.0) == Decision("failed")


def test_waits_are_spread_by_a_tenth_and_retry_after_only_lengthens_them() -> None:
    assert decide(Result(status=500), 2, NOW, 1.0).next_at == NOW + timedelta(seconds=330)
    assert decide(Result(status=503, retry_after=900), 2, NOW, 0.0).next_at == NOW + timedelta(seconds=900)
    assert decide(Result(status=503, retry_after=10), 2, NOW, 0.0).next_at == NOW + timedelta(seconds=300)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "retry"), (302, "retry"), (400, "retry"), (401, "retry"),
     (404, "retry"), (429, "retry"), (500, "retry"), (None, "retry"), (410, "gone"), (199, "retry")],
)  # fmt: skip
def test_a_status_means_what_the_specification_says(status: int | None, verdict: str) -> None:
    assert decide(Result(status=status), 1, NOW, 0.5).verdict == verdict


@pytest.mark.parametrize(
    ("result", "seconds"),
    [
        (Result(status=429), 5),
        (Result(status=503, retry_after=60), 60),
        (Result(status=503, retry_after=86_400), 600),
        (Result(status=500), 0),
    ],
)
def test_who_is_overloaded_is_left_alone_for_a_while(result: Result, seconds: float) -> None:
    assert domain.pause_for(result) == seconds


@given(st.text(max_size=50), st.text(alphabet="abcXYZ019_", min_size=1, max_size=40))
def test_what_is_signed_verifies_with_the_library_and_only_as_it_was(text: str, message_id: str) -> None:
    now = datetime.now(UTC)
    secret = domain.new_secret()
    body = json.dumps({"text": text})
    headers = dict(domain.headers([Secret(secret)], message_id, body, now))
    assert Webhook(secret).verify(body, headers) == {"text": text}
    for changed in (body + " ", body.replace("text", "test")):
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(secret).verify(changed, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(domain.new_secret()).verify(body, headers)


def test_a_secret_is_what_the_specification_wants() -> None:
    secret = domain.new_secret()
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert secret != domain.new_secret()


def test_a_rotated_secret_signs_beside_the_new_one_until_its_time() -> None:
    hour = timedelta(hours=1)
    ring = domain.rotated([Secret("whsec_b25l")], "whsec_dHdv", NOW, 24 * hour)
    assert ring == [Secret("whsec_dHdv"), Secret("whsec_b25l", NOW + 24 * hour)]
    again = domain.rotated(ring, "whsec_dGhyZWU=", NOW + hour, 12 * hour)
    assert [(one.text, one.until) for one in again] == [
        ("whsec_dGhyZWU=", None),
        ("whsec_dHdv", NOW + 13 * hour),
        ("whsec_b25l", NOW + 13 * hour),
    ]
    for at, count in [(NOW, 3), (NOW + 13 * hour - timedelta(seconds=1), 3), (NOW + 13 * hour, 1)]:
        assert len(domain.headers(again, "evt_1", "{}", at)["webhook-signature"].split(" ")) == count
    assert domain.rotated(ring, "whsec_eA==", NOW, timedelta(0)) == [Secret("whsec_eA==")]
    assert domain.unpack_secrets(domain.pack_secrets(again)) == again
