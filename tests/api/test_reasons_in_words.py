"""Reasons of routing in the language of whoever asks, and as codes."""

from __future__ import annotations

import pytest

from api.conftest import Api
from api.test_exception_remedies import stuck


async def told(api: Api, **headers: str) -> tuple[dict[str, str], str]:
    """What is said of each location in the latest decision, and in which language."""
    (one,) = (await api.get("/v1/exceptions", kind="unroutable")).json()["items"]
    latest = (await api.get(f"/v1/orders/{one['order_id']}/decisions")).json()["items"][0]
    answer = await api.get(f"/v1/decisions/{latest['id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["vary"] == "Accept-Language"
    reasons = {place["code"]: place["reason"] for place in answer.json()["locations"]}
    return reasons, answer.headers["content-language"]


@pytest.mark.parametrize(
    ("liked", "language", "listed", "stock"),
    [
        (
            "fr",
            "fr",
            "Les règles le nomment parmi ceux qui n’envoient jamais.",
            "Il n’en a pas au-delà de son stock de sécurité.",
        ),
        ("de, fr-CA;q=0.9, en;q=0.8", "fr", "Les règles le nomment", "Il n’en a pas"),
        ("en", "en", "The rules name it as one that never sends.", "It has none of it above its safety stock."),
        ("de", "en", "The rules name it", "It has none of it"),
        ("", "en", "The rules name it", "It has none of it"),
    ],
)
async def test_why_a_location_was_stopped_is_said_in_the_language_that_is_liked_best(
    api: Api, liked: str, language: str, listed: str, stock: str
) -> None:
    await stuck(api)
    reasons, spoken = await told(api, **({"accept-language": liked} if liked else {}))
    assert spoken == language
    assert reasons["paris"].startswith(listed)
    assert reasons["lyon"].startswith(stock)


async def test_what_nobody_may_send_says_why_in_the_list_and_by_itself(api: Api) -> None:
    _, one = await stuck(api)
    assert one["data"] == {"reason": "excluded", "sites": {"excluded": 1, "stock": 1}}
    (listed,) = (await api.get("/v1/exceptions", kind="unroutable")).json()["items"]
    assert listed["data"] == one["data"]


async def test_that_it_follows_the_language_is_described(api: Api) -> None:
    described = (await api.get("/openapi.json")).json()["paths"]
    for path in ("/v1/decisions/{decision_id}", "/v1/fulfilments/{fulfilment_id}/documents/pick-list"):
        operation = described[path]["get"]
        assert "Accept-Language" in [one["name"] for one in operation["parameters"] if one["in"] == "header"]
        assert {"Content-Language", "Vary"} <= operation["responses"]["200"]["headers"].keys()
    orders = described["/v1/orders/{order_id}"]["get"]
    assert "Accept-Language" not in [one["name"] for one in orders["parameters"]]
