from __future__ import annotations

import msgspec

from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Content, Letter
from comptoir.modules.orders.contracts import PlacementLine
from comptoir.surfaces.notices.wording import Reader, facts
from support.depot import BUYER, HOME, Depot


async def told(depot: Depot) -> Letter:
    async with depot.database.transaction() as tx:
        (claimed,) = await notices.claim(tx, 10)
    return notices.opened(claimed, depot.keyring)


async def test_a_confirmation_tells_weights_in_kilograms_and_the_rest_in_pieces(depot: Depot) -> None:
    await depot.shop.product("HAM", 1_200, stock={"paris": 50_000}, unit=Unit.THOUSANDTH)
    lines = (PlacementLine("TEA", 2), PlacementLine("HAM", 1_250))
    await depot.shop.place("web", {}, lines=lines, buyer=BUYER, ship_to=HOME)
    await depot.settle()
    content = (await told(depot)).content
    assert [units for _, units in content.lines] == [2, 1_250]
    assert content.weighed == (1,)
    french = [label for label, _ in facts(Reader("fr", "Europe/Paris", content))]
    english = [label for label, _ in facts(Reader("en", "Europe/Paris", content))]
    assert french[1:3] == ["2 ×", "1,250\N{NO-BREAK SPACE}kg"]
    assert english[1:3] == ["2 ×", "1.250\N{NO-BREAK SPACE}kg"]


def test_what_was_written_before_weights_were_told_still_reads() -> None:
    old = msgspec.json.decode(b'{"number":1042,"lines":[["Tea",2]]}', type=Content)
    assert (old.lines, old.weighed) == ((("Tea", 2),), ())
