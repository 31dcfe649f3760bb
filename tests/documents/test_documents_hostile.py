"""Whatever people write, a document stays what it is."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from comptoir.surfaces.documents import pages, reading
from comptoir.surfaces.documents.contracts import Address, Document, Item, PickLine
from comptoir.surfaces.documents.rendering import Printer
from support import paper
from support.effort import examples

SCRIPT = "<script>alert(1)</script>"
PASSWD = '"><img src="file:///etc/passwd"><link rel=attachment href="file:///etc/passwd">'
STYLE = "</title><style>@import url(http://127.0.0.1:9/x.css); body{display:none}</style>"
JINJA = "{{ 77777 * 7 }}{% raw %}"
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


def with_text(value: Any, text: str) -> Any:
    """The document with that text in every place where anybody may write."""
    if isinstance(value, tuple):
        return tuple(with_text(one, text) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return text if type(value) is str else value
    kept = {"currency", "country", "capital", "total"}  # a currency and a country are checked before they get here
    given = {one.name: getattr(value, one.name) for one in fields(value)}
    return replace(
        value,
        **{name: with_text(old, text) for name, old in given.items() if name not in kept and type(value).__name__ != "Money"},
    )


@pytest.mark.parametrize("document", paper.every_kind(), ids=lambda one: type(one).__name__)
def test_markup_is_text(printer: Printer, document: Document) -> None:
    for hostile in (SCRIPT, PASSWD, STYLE, JINJA):
        html = pages.page_of(with_text(document, hostile), "fr").html
        for tag in ("<script", '<img src="file', "<link", "<style", "544439"):
            assert tag not in html, (hostile, tag)
    printed = printer.printed([(with_text(document, PASSWD), "fr")])
    text = "".join(paper.texts(printed.pdf))
    assert "root:" not in text
    inside = paper.objects(printed.pdf)
    assert b"/StructTreeRoot" in inside, "it was unpacked"
    assert b"/EmbeddedFile" not in inside
    assert b"/URI" not in inside


def test_markup_can_be_read_as_it_was_written(printer: Printer) -> None:
    lines = (Item(sku="X", name=f"{SCRIPT} & <b>5 < 6</b>", quantity=1),)
    (text,) = paper.texts(printer.printed([(paper.packing_slip(lines=lines), "fr")]).pdf)
    assert f"{SCRIPT} & <b>5 < 6</b>" in text


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:9/",
        "https://example.com/x.png",
        "data:text/plain,x",
        "font:../common.css",
        "font:/etc/passwd",
        "font:inter-regular.woff2/../../common.css",
        "picture:0",
    ],
)
def test_nothing_is_fetched_from_elsewhere(printer: Printer, address: str) -> None:
    with pytest.raises(ValueError, match="nothing from elsewhere"):
        printer._fetcher({})(address)


def test_templates_and_styles_name_nothing_from_elsewhere() -> None:
    here = pages.TEMPLATES.parent
    for file in [*here.glob("templates/*.html"), *here.glob("static/*.css")]:
        assert "http" not in file.read_text(encoding="utf-8").replace("http://www.w3.org", ""), file


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'


def bomb() -> bytes:
    """A PNG of two gigapixels in two hundred kilobytes."""
    target = BytesIO()
    Image.new("1", (45_000, 45_000)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize("logo", [b"", b"nonsense", b"\x89PNG\r\n\x1a\nbroken", b"RIFF....", svg()], ids=repr)
def test_a_logo_that_is_none_is_left_out(printer: Printer, logo: bytes) -> None:
    printed = printer.printed([(paper.packing_slip(seller=replace(paper.SELLER, logo=logo)), "fr")])
    assert printed.pages == 1


def test_a_picture_as_large_as_a_house_is_left_out(printer: Printer) -> None:
    printed = printer.printed([(paper.packing_slip(seller=replace(paper.SELLER, logo=bomb())), "fr")])
    assert printed.pages == 1
    assert len(printed.pdf) < 100_000


def test_a_logo_that_is_on_every_page_is_in_the_file_once(printer: Printer) -> None:
    seller = replace(paper.SELLER, logo=paper.picture(300, 80))
    one = printer.printed([(paper.packing_slip(seller=seller), "fr")])
    ten = printer.printed([(paper.packing_slip(seller=seller, order_number=str(number)), "fr") for number in range(10)])
    assert [len(re.findall(rb"/Subtype ?/Image", paper.objects(printed.pdf))) for printed in (one, ten)] == [1, 1]


def test_nobody_turns_the_text_around(printer: Printer) -> None:
    lines = (Item(sku="X", name="photo\u202egpj.exe\u2066\x00\x1b\ufeff\ud800", quantity=1),)
    (text,) = paper.texts(printer.printed([(paper.packing_slip(lines=lines), "fr")]).pdf)
    assert "photogpj.exe" in text
    assert reading.clean("a\u200db\u200fc\n") == "a\u200db\u200fc\n", "what scripts need to be written stays"


@pytest.mark.parametrize(
    "address",
    [
        Address(
            name=WORD, company=WORD, line1=WORD, line2=WORD, postcode=WORD, city=WORD, region=WORD, country="US", phone=WORD
        ),
        Address(name="مصباح أرضي من الرخام", line1="מנורת רצפה", city="東京都千代田区丸の内一丁目九番一号" * 3, country="JP"),
        Address(
            name="Sarah O’Connor", company="A", line1="B", line2="C", postcode="02113", city="Boston", region="MA", country="US"
        ),
    ],
    ids=["long", "scripts", "plain"],
)
def test_a_label_is_one_page_and_its_address_stays_in_its_box(printer: Printer, address: Address) -> None:
    printed = printer.printed([(paper.parcel_label(recipient=address, carrier=WORD, service=WORD, instructions=WORD), "fr")])
    assert printed.pages == 1
    (text,) = paper.texts(printed.pdf)
    assert ("États-Unis" in text) == (address.country == "US"), "the country is last, and it is there"
    assert printer.printed([(paper.customs(recipient=address, signed_by=WORD, explanation=WORD), "fr")]).pages == 1


def test_letters_without_a_font_are_told_of_by_script(printer: Printer) -> None:
    unheard = "\U00012000\U00012001"  # cuneiform: no machine that prints parcels has it
    printed = printer.printed([(paper.packing_slip(note=unheard), "fr")])
    assert printed.without_font == ("Cuneiform",)
    assert printer.printed([(paper.packing_slip(note="Łódź, Ἀθῆναι, Київ, Đà Nẵng"), "fr")]).without_font == ()


def test_latin_greek_and_cyrillic_come_from_our_own_typeface(printer: Printer) -> None:
    pdf = printer.printed([(paper.packing_slip(note="Łódź, Ἀθῆναι, Київ, Đà Nẵng, ✓ → €"), "fr")]).pdf
    assert set(re.findall(rb"/BaseFont ?/[A-Z]+\+([A-Za-z]+)", paper.objects(pdf))) == {b"Inter"}


ANY = st.text(max_size=300)


@given(text=ANY, words=st.lists(ANY, max_size=6))
@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_printed(printer: Printer, text: str, words: list[str]) -> None:
    lines = tuple(
        PickLine(bin=word, sku=word, name=word, quantity=1, order_number=text, gtin=word, tote=word) for word in words
    )
    documents = [*(with_text(one, text) for one in paper.every_kind()), paper.pick_list(lines=lines)]
    printed = printer.printed([(document, "fr") for document in documents])
    assert printed.pdf.startswith(b"%PDF-1.7")


def test_our_typeface_is_that_of_the_manifest() -> None:
    folder = pages.TEMPLATES.parent / "static/vendor"
    (entry,) = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, digest in entry["files"].items():
        assert sha256((folder / name).read_bytes()).hexdigest() == digest, name
