"""Papers over the API: PDFs in the language that is asked for."""

from __future__ import annotations

from api.conftest import Api, problem
from api.test_fulfilments_api import one_to_pick
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import papers
from support.paper import texts


async def test_slips_and_lists_are_pdfs_in_the_language_that_is_asked_for(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}/documents"
    seen: dict[str, str] = {}
    for name in ("packing-slip", "return-slip", "pick-list"):
        for locale in ("en", "fr"):
            paper = await api.get(f"{path}/{name}", locale=locale)
            assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf"), paper.text
            assert paper.headers["content-language"] == locale
            assert f"{name}.pdf" in paper.headers["content-disposition"]
            seen[f"{name} {locale}"] = " ".join(texts(paper.content))
        assert seen[f"{name} en"] != seen[f"{name} fr"]
    assert "TEA" in seen["pick-list en"]
    liked = await api.get(f"{path}/packing-slip", headers={"accept-language": "de, fr;q=0.9, en;q=0.8"})
    assert liked.headers["content-language"] == "fr"
    receipt = await api.get(f"{path}/pick-list", paper="receipt")
    assert receipt.content[:4] == b"%PDF"


async def test_a_box_has_its_own_slip_and_what_is_not_there_is_not_found(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}"
    await api.post(f"{path}/pick", {})
    await api.post(f"{path}/pack", {"lines": [{"line_no": 1, "quantity": 1}]})
    slip = await api.get(f"{path}/documents/packing-slip", parcel="1", locale="en")
    assert "comes later" in " ".join(texts(slip.content)).casefold()
    problem(await api.get(f"{path}/documents/packing-slip", parcel="7"), 404, "not_found")
    nobody = "ful_01kag8v6w3e9n8r2t5y7z4c6bd"
    problem(await api.get(f"/v1/fulfilments/{nobody}/documents/pick-list"), 404, "unknown_fulfilment")
    problem(await api.get("/v1/waves/wav_01kag8v6w3e9n8r2t5y7z4c6bd/documents/pick-list"), 404, "unknown_wave")


async def test_papers_need_the_scope_of_orders(api: Api) -> None:
    one = await one_to_pick(api)
    token = await api.new_token(Scope.STOCK_READ)
    problem(await api.get(f"/v1/fulfilments/{one['id']}/documents/return-slip", token=token), 403, "not_permitted")


def test_what_a_reader_likes_best_is_taken() -> None:
    assert papers.wanted("fr-CA, en;q=0.5") == "fr"
    assert papers.wanted("de, en;q=0.3, fr;q=0.7") == "fr"
    assert papers.wanted("de") == ""
    assert papers.wanted("fr;q=nonsense, en") == "en"
