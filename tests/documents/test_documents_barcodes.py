"""Codes are read back from the page by a reader that knows nothing of how they were made."""

from __future__ import annotations

import string

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from comptoir.surfaces.documents import barcodes
from comptoir.surfaces.documents.contracts import CustomsForm, Document
from comptoir.surfaces.documents.rendering import Printer
from support import paper

THERMAL = 203 / 72
"""Dots of a thermal printer for each point of the page."""


def read(image: Image.Image) -> set[tuple[str, str]]:
    """What a scanner finds: kind and text."""
    return {
        (str(found.format).removeprefix("BarcodeFormat.").replace(" ", "").replace("-", ""), found.text)
        for found in zxingcpp.read_barcodes(image)
    }


def drawn(bars: barcodes.Bars) -> Image.Image:
    """The modules, three dots wide each."""
    quiet = "0" * bars.quiet
    row = bytes(0 if module == "1" else 255 for module in quiet + bars.modules + quiet for _ in range(3))
    image = Image.frombytes("L", (len(row), 1), row)
    return image.resize((len(row), 60))


@pytest.mark.parametrize(
    ("document", "codes"),
    [
        (paper.parcel_label(), {("Code128", paper.TRACKING)}),
        (paper.packing_slip(), {("Code128", "EXP-10412-1"), ("QRCode", "RET-7K4M2")}),
        (paper.manifest(), {("Code128", "BR-2026-0317-1")}),
        (paper.return_slip(), {("QRCode", "RET-7K4M2")}),
        (paper.pickup_notice(), {("QRCode", "K7M2X")}),
        (
            paper.pickup_notice(scan="https://maison-lumen.example/retrait/K7M2X?c=é"),
            {("QRCode", "https://maison-lumen.example/retrait/K7M2X?c=é")},
        ),
        (paper.customs(CustomsForm.CN23), {("Code128", "CP123456785FR")}),
        (
            paper.pick_list(),
            {
                ("Code128", "V-2026-0317"),
                ("EAN13", "3760123450027"),
                ("EAN13", "3760123450010"),
                ("EAN8", "96385074"),
                ("ITF", "13760123450017"),
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_scanner_reads_the_codes_off_the_page(printer: Printer, document: Document, codes: set[tuple[str, str]]) -> None:
    (image,) = paper.images(printer.printed([(document, "fr")]).pdf, 4)
    found = {("ITF" if kind.startswith("ITF") else kind, text) for kind, text in read(image)}
    assert codes <= found


def test_a_thermal_printer_of_203_dots_is_enough_for_a_label(printer: Printer) -> None:
    for tracking in (paper.TRACKING, "1Z999AA10123456784", "JJD000390007827164925"):
        (image,) = paper.images(printer.printed([(paper.parcel_label(tracking_number=tracking), "fr")]).pdf, THERMAL)
        black_or_white = image.convert("L").point([0] * 128 + [255] * 128).convert("1")
        assert ("Code128", tracking) in read(black_or_white)


@given(st.text(string.ascii_letters + string.digits + string.punctuation + " ", min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_code_128_holds_any_ascii_text(text: str) -> None:
    bars = barcodes.code128(text)
    assert bars is not None
    assert {found for kind, found in read(drawn(bars)) if kind == "Code128"} == {text}


@given(st.integers(0, 10**12 - 1))
@settings(max_examples=50, deadline=None)
def test_ean_13_holds_any_number_with_its_check_digit(number: int) -> None:
    digits = f"{number:012}"
    check = -sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(digits)) % 10
    bars = barcodes.gtin(f"{digits}{check}")
    assert bars is not None
    assert read(drawn(bars)) & {
        ("EAN13", f"{digits}{check}"),
        ("UPCA", f"{digits}{check}"[1:]),
        ("EAN13", f"{digits}{check}"[1:]),
    }
    assert barcodes.gtin(f"{digits}{(check + 1) % 10}") is None, "a wrong check digit would be refused by every till"


@pytest.mark.parametrize("text", ["", "日本", "é", "a\nb", "x" * 81])
def test_what_code_128_cannot_hold_is_left_out(text: str) -> None:
    assert barcodes.code128(text) is None


@pytest.mark.parametrize("text", ["", "123", "37601234500101", "376012345001X", "١٢٣٤٥٦٧٠"])
def test_what_is_no_product_number_is_left_out(text: str) -> None:
    assert barcodes.gtin(text) is None


def test_bars_that_would_be_too_fine_are_left_out() -> None:
    bars = barcodes.code128("x" * 60)
    assert barcodes.bars_svg(bars, "x", width=92, height=10) is None
    assert barcodes.bars_svg(bars, "x", width=200, height=10) is not None
    assert barcodes.qr_svg("x" * 5000, "x", size=30) is None
    assert barcodes.qr_svg("", "x", size=30) is None


def test_every_bar_is_a_whole_number_of_printer_dots_wide() -> None:
    for width in (40, 72, 92):
        svg = barcodes.bars_svg(barcodes.code128("12345678"), "x", width=width, height=10)
        assert svg is not None
        modules = float(svg.split('viewBox="0 0 ')[1].split(" ")[0])
        millimetres = float(svg.split('style="width:')[1].split("mm")[0])
        dots = millimetres / modules / barcodes.DOT
        assert millimetres <= width
        assert abs(dots - round(dots)) < 1e-3
        assert round(dots) >= 2
