"""What stands on each document, in both languages, and on which paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pypdfium2
import pypdfium2.raw
import pytest

from comptoir.surfaces.documents.contracts import (
    CustomsForm,
    Document,
    Exemption,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Paper,
    PaymentMade,
    PickLine,
    VatTotal,
)
from comptoir.surfaces.documents.rendering import Printer
from support import paper

SAYS: list[tuple[Document, Sequence[str], Sequence[str]]] = [
    (
        paper.pick_list(),
        ["Pick list", "V-2026-0317", "March 17, 2026", "6\nstops", "14\nunits", "1.250 kg", "tote 3", "10415 × 2 · tote 1"],
        ["Bon de préparation", "17 mars 2026", "6\narrêts", "14\nunités", "1,250 kg", "bac 3", "Pour la commande"],
    ),
    (
        paper.packing_slip(),
        ["Packing slip", "EXP-10412-1", "In this parcel", "Comes later", "1 of 2", "You have until April 16, 2026."],
        ["Bon de livraison", "Dans ce colis", "Arrive plus tard", "1 sur 2", "Un retour\u202f?", "jusqu’au 16 avril 2026"],
    ),
    (
        paper.parcel_label(),
        ["From", "To", "Signature required", "FR-44-NTE-2", "2 / 3", "4.28 kg", paper.TRACKING, "Code porte 45B12"],
        ["Expéditeur", "Destinataire", "Remise contre signature", "4,28 kg", "Élodie Fournier", "44000 Nantes"],
    ),
    (
        paper.manifest(),
        ["Manifest", "14\nparcels", "24.37 kg", "10999 Berlin, Germany", "14 parcels received", "Handed over by"],
        ["Bordereau de remise", "14\ncolis", "24,37 kg", "10999 Berlin, Allemagne", "14 colis reçus", "Remis par"],
    ),
    (
        paper.return_slip(),
        ["Return slip", "RET-7K4M2", "Send it by", "Cut here", "69800 Saint-Priest", "Trop grand ou trop petit"],
        ["Bon de retour", "À renvoyer avant le", "Découpez ici", "Motifs", "Renvoyé"],
    ),
    (
        paper.pickup_notice(),
        ["Your pickup code", "K7M2X", "Monday closed", "10:00–12:30, 14:00–19:00", "€49.90", "until March 31, 2026"],
        ["Votre code de retrait", "Lundi fermé", "10\u202fh\u202f00–12\u202fh\u202f30", "49,90 €", "Fermé le 6 avril 2026"],
    ),
    (
        paper.customs(CustomsForm.CN22),
        [
            "CN 22",
            "Customs declaration",
            "× Vente de marchandises / Sale\nof goods",
            "5.12 kg",
            "€421.83",
            "HS 940521 · France",
        ],
        ["CN 22", "Échantillon commercial /\nCommercial sample", "5,12 kg", "421,83 €", "Je, soussigné"],
    ),
    (
        paper.customs(CustomsForm.CN23),
        ["CN 23", "Expéditeur / Sender", "Boston, MA 02113", "United States", "sarah@harborbooks.example", "€23.90"],
        ["CN 23", "Destinataire / Recipient", "États-Unis", "CP123456785FR", "Poids brut total / Total gross weight"],
    ),
]


def text_of(printer: Printer, document: Document, locale: str) -> str:
    """All of it, lines ending as they do on paper, spaces of every kind but the narrow one as one."""
    text = "\n".join(paper.texts(printer.printed([(document, locale)]).pdf)).replace("\r\n", "\n")
    return re.sub("[\u00a0 ]+", " ", text)


@pytest.mark.parametrize(("document", "english", "french"), SAYS, ids=lambda value: type(value).__name__)
def test_it_says_what_it_is_for_in_both_languages(
    printer: Printer, document: Document, english: Sequence[str], french: Sequence[str]
) -> None:
    for locale, phrases in (("en", english), ("fr_FR", french)):
        text = text_of(printer, document, locale)
        assert [phrase for phrase in phrases if phrase not in text] == [], text


@pytest.mark.parametrize("document", paper.every_kind(), ids=lambda one: type(one).__name__)
def test_it_is_one_tagged_page_with_a_title_and_a_language(printer: Printer, document: Document) -> None:
    pdf = printer.printed([(document, "fr")]).pdf
    opened = pypdfium2.PdfDocument(pdf)
    assert printer._log.lines == [], "there was nothing to complain about"
    assert len(opened) == 1
    assert pypdfium2.raw.FPDFCatalog_IsTagged(opened.raw)
    assert re.search(rb"/Lang ?\(fr\)", paper.objects(pdf))
    assert opened.get_metadata_value("Title")
    assert opened.get_metadata_value("Author") in {"Maison Lumen", "Entrepôt de Lyon"}
    assert opened.get_metadata_value("Creator") == "Comptoir"


@pytest.mark.parametrize(
    ("document", "size"),
    [
        (paper.packing_slip(), (210, 297)),
        (paper.parcel_label(), (105, 148)),
        (paper.customs(CustomsForm.CN22), (105, 148)),
        (paper.customs(CustomsForm.CN23), (210, 148)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_has_the_paper_that_it_is_for(printer: Printer, document: Document, size: tuple[int, int]) -> None:
    assert millimetres(printer.printed([(document, "en")]).pdf) == [size]


def millimetres(pdf: bytes) -> list[tuple[int, int]]:
    return [(round(width * 25.4 / 72), round(height * 25.4 / 72)) for width, height in map(_size, pypdfium2.PdfDocument(pdf))]


def _size(page: pypdfium2.PdfPage) -> tuple[float, float]:
    return page.get_size()


def test_a_roll_is_cut_where_the_list_ends(printer: Printer) -> None:
    short = printer.printed([(paper.pick_list(paper=Paper.RECEIPT, lines=paper.pick_list().lines[:1]), "en")])
    whole = printer.printed([(paper.pick_list(paper=Paper.RECEIPT), "en")])
    ((width, height),) = millimetres(short.pdf)
    ((wide, longer),) = millimetres(whole.pdf)
    assert (width, wide) == (80, 80)
    assert 50 < height < 90
    assert 180 < longer < 260


def test_a_round_goes_through_the_bins_in_order_and_says_once_what_is_taken_for_two(printer: Printer) -> None:
    text = text_of(printer, paper.pick_list(), "en")
    bins = re.findall(r"[ABC]-\d\d-\d+", text)
    assert bins == ["A-01-2", "A-01-10", "B-02-2", "B-02-10", "C-11-1"]
    assert text.index("C-11-1") < text.index("Chèque-cadeau"), "what has no bin is last"


def test_a_packing_slip_tells_no_prices(printer: Printer) -> None:
    body = text_of(printer, paper.packing_slip(), "fr").partition("Lumen & Filles SAS")[0]
    assert not re.search(r"€|\bEUR\b|\d[.,]\d\d\b", body)


# ---------------------------------------------------------------- invoices


def cents(text: str) -> list[int]:
    """The euro amounts of a text, in the order in which they stand."""
    found = re.findall(r"(−?)(\d[\d\u202f ]*),(\d\d) ?€", text)
    return [(-1 if minus else 1) * (int(re.sub(r"\D", "", major)) * 100 + int(minor)) for minus, major, minor in found]


def test_the_amounts_on_an_invoice_add_up_to_the_cent(printer: Printer) -> None:
    text = text_of(printer, paper.invoice(), "fr")
    lines = [cents(line)[-1] for line in text.splitlines() if re.search(r" (20|5,5) %.*€$", line)]
    assert lines == [34833, 7350, 3904, 575]
    for rate, nets in {"20": [34833, 7350, 575], "5,5": [3904]}.items():
        (row,) = [cents(line) for line in text.splitlines() if line.startswith(f"{rate} %")]
        assert row[0] == sum(nets)
        assert row[0] + row[1] == row[2]
    (net,), (tax,), (gross,), (due,) = (
        cents(re.search(rf"{label}[^€]*€", text)[0])  # pyright: ignore[reportOptionalSubscript] - then it fails, as it should
        for label in ("Total HT", r"\nTVA \d", "Total TTC", "Reste à payer")
    )
    assert net == sum(lines)
    assert net + tax == gross
    assert due == gross - 20000


def test_an_invoice_has_what_french_law_asks_for(printer: Printer) -> None:
    text = text_of(printer, paper.invoice(), "fr")
    for mention in (
        "Facture", "FA-2026-00123", "Date d’émission 17 mars 2026", "Date de livraison 18 mars 2026", "Lumen & Filles SAS",
        "au capital de 50\u202f000,00 €", "RCS Lyon 812 345 674", "SIRET 812 345 674 000 19", "N° TVA FR40812345674",
        "Siège social\u202f: 14, rue des Capucins, 69001 Lyon", "Hôtel des Marronniers", "SIREN 552 100 554",
        "N° TVA FR83552100554", "Livraison de biens", "Option pour le paiement de la taxe d’après les débits",
        "À régler avant le 16 avril 2026", "Pas d’escompte pour paiement anticipé",
        "pénalités au taux de trois fois l’intérêt légal", "Indemnité forfaitaire pour frais de recouvrement\u202f: 40,00 €",
        "FR76 3000 6000 0112 3456 7890 189", "BC-4471", "40,835 €", "−8,17 €",
    ):  # fmt: skip
        assert mention in text, mention


def test_a_consumer_is_not_told_what_a_business_is(printer: Printer) -> None:
    invoice = paper.invoice()
    text = text_of(printer, replace(invoice, buyer=replace(invoice.buyer, business=False)), "en")
    assert "Late payment" not in text
    assert "early payment" not in text


def test_what_is_exempt_says_by_which_article(printer: Printer) -> None:
    line = InvoiceLine(name="Bougie", quantity=3, net=paper.money(2700), rate=Decimal(0))
    invoice = paper.invoice(
        lines=(line,),
        vat=(VatTotal(Decimal(0), paper.money(2700), paper.money(0)),),
        total=paper.money(2700),
        payments=(PaymentMade("espèces", date(2026, 3, 17), paper.money(2700)),),
        exemption=Exemption.SMALL_BUSINESS,
    )
    text = text_of(printer, invoice, "fr")
    assert "TVA non applicable, art. 293 B du CGI" in text
    assert "Cette facture est réglée. Merci." in text
    assert "IBAN" not in text, "there is nothing left to transfer"
    assert "VAT not applicable, art. 293 B of the French tax code (CGI)" in text_of(printer, invoice, "en")


def test_a_credit_note_says_what_it_corrects_and_owes_it(printer: Printer) -> None:
    invoice = paper.invoice()
    line = replace(invoice.lines[0], discount=None)
    note = paper.invoice(
        number="AV-2026-00007", kind=InvoiceKind.CREDIT_NOTE, refers_to="FA-2026-00123", refers_on=date(2026, 3, 17),
        lines=(line,), vat=(VatTotal(Decimal("0.2"), line.net, paper.money(6967)),), total=paper.money(41800), payments=(),
    )  # fmt: skip
    text = text_of(printer, note, "fr")
    for phrase in (
        "Avoir",
        "AV-2026-00007",
        "FA-2026-00123 du 17 mars 2026",
        "Total de l’avoir TTC 418,00 €",
        "Reste à rembourser",
    ):
        assert phrase in text
    assert "À régler" not in text


def test_a_long_invoice_repeats_its_heads_and_counts_its_pages(printer: Printer) -> None:
    count = 60
    lines = tuple(
        InvoiceLine(name=f"Article {one}", quantity=1, net=paper.money(100), rate=Decimal("0.2")) for one in range(count)
    )
    invoice: Invoice = paper.invoice(
        lines=lines,
        vat=(VatTotal(Decimal("0.2"), paper.money(6000), paper.money(1200)),),
        total=paper.money(7200),
        payments=(),
    )
    pages = paper.texts(printer.printed([(invoice, "fr")]).pdf)
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"{number}\u202f/\u202f{len(pages)}" in page
        assert "Lumen & Filles SAS" in page
        assert "FA-2026-00123" in page, "its number is on every page"
    assert all("Prix unitaire" in page for page in pages[:-1])
    assert re.findall(r"Article (\d+)", "".join(pages)) == [str(one) for one in range(count)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"total": paper.money(55430)}, "are not"),
        ({"vat": (VatTotal(Decimal("0.2"), paper.money(46662), paper.money(8767)),)}, "one total for each rate"),
        (
            {"vat": (VatTotal(Decimal("0.2"), paper.money(42759), paper.money(8551)), paper.invoice().vat[1])},
            "do not add up",
        ),
        ({"payments": (PaymentMade("carte", date(2026, 3, 15), paper.money(55430)),)}, "more than was owed"),
        ({"seller": replace(paper.SELLER, identity=None)}, "who answers for it"),
    ],
)
def test_an_invoice_that_does_not_add_up_cannot_be_made(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        paper.invoice(**changes)


def test_five_hundred_lines_are_all_there(printer: Printer) -> None:
    lines = tuple(
        PickLine(bin=f"A-{one}", sku=f"SKU-{one:05}", name=f"Produit {one}", quantity=1, order_number="1", gtin=paper.GTIN)
        for one in range(500)
    )
    pages = paper.texts(printer.printed([(paper.pick_list(lines=lines), "fr")]).pdf)
    assert len(pages) < 40
    assert re.findall(r"SKU-\d{5}", "".join(pages)) == [f"SKU-{one:05}" for one in range(500)]


def test_words_and_numbers_are_of_one_language(printer: Printer) -> None:
    english = text_of(printer, paper.invoice(), "de_DE")
    assert "Invoice" in english
    assert "€554.29" in english, "for a reader whose language we do not speak"
    assert "17 March 2026" in text_of(printer, paper.invoice(), "en_GB")
    assert "Facture" in text_of(printer, paper.invoice(), "fr-CA")
    assert "Invoice" in text_of(printer, paper.invoice(), "no such locale")
