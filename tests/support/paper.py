"""Made-up documents of every kind, as a shop would print them."""

from __future__ import annotations

import contextlib
import re
import zlib
from datetime import date
from decimal import Decimal
from io import BytesIO

import pypdfium2
from PIL import Image, ImageDraw

from comptoir.kernel.money import Currency, Money
from comptoir.surfaces.documents.contracts import (
    Address,
    BankAccount,
    Buyer,
    CustomsDeclaration,
    CustomsForm,
    CustomsItem,
    CustomsKind,
    Document,
    Interval,
    Invoice,
    InvoiceLine,
    Item,
    LegalIdentity,
    Manifest,
    ManifestParcel,
    PackingSlip,
    ParcelLabel,
    PaymentMade,
    PickLine,
    PickList,
    PickupNotice,
    PurchaseItem,
    PurchaseOrder,
    ReturnReason,
    ReturnSlip,
    Seller,
    VatTotal,
)

EUR = Currency("EUR")
TRACKING = "6C14287349125"
GTIN = "3760123450010"

HOUSE = Address(
    name="Maison Lumen", line1="14, rue des Capucins", postcode="69001", city="Lyon", country="FR", phone="+33 4 72 00 12 34"
)
BUYER = Address(
    name="Élodie Fournier",
    line1="8, boulevard de la Corderie",
    line2="Bâtiment C, 3e étage",
    postcode="44000",
    city="Nantes",
    country="FR",
    phone="+33 6 12 34 56 78",
)
BERLIN = Address(name="Jonas Weber", line1="Oranienstraße 25", postcode="10999", city="Berlin", country="DE")
BOSTON = Address(
    name="Sarah O’Connor",
    company="Harbor Books LLC",
    line1="212 Hanover St",
    line2="Apt 4",
    postcode="02113",
    city="Boston",
    region="MA",
    country="US",
    phone="+1 617 555 0142",
)
SELLER = Seller(
    name="Maison Lumen",
    address=HOUSE,
    email="bonjour@maison-lumen.example",
    phone="+33 4 72 00 12 34",
    website="maison-lumen.example",
    identity=LegalIdentity(
        name="Lumen & Filles",
        form="SAS",
        capital=Money(5_000_000, EUR),
        siren="812345674",
        siret="81234567400019",
        register="RCS Lyon",
        vat_number="FR40812345674",
        eori="FR81234567400019",
    ),
)
LAMP = Item(sku="LAMPE-ARC-NOIR", name="Lampadaire Arc, marbre noir", quantity=1, detail="Noir, 210 cm")
SHADE = Item(sku="ABJ-LIN-35", name="Abat-jour en lin tissé main", quantity=2, detail="Écru, 35 cm")
BULB = Item(sku="AMP-E27-7W", name="Ampoule LED E27, 7 W, 2700 K", quantity=6)
COFFEE = Item(sku="CAFE-VRAC", name="Café en grains, Éthiopie Yirgacheffe", quantity=1250, weighed=True)
ITEMS = (LAMP, SHADE, BULB, COFFEE)


def money(cents: int) -> Money:
    return Money(cents, EUR)


def picture(width: int = 60, height: int = 60) -> bytes:
    """A small PNG."""
    image = Image.new("RGB", (width, height), "#e0eeeb")
    ImageDraw.Draw(image).ellipse((width * 0.2, height * 0.2, width * 0.8, height * 0.8), fill="#0b5b58")
    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def pick_list(**changes: object) -> PickList:
    lines = (
        PickLine(bin="B-02-10", sku="AMP-E27-7W", name=BULB.name, quantity=6, order_number="10412", gtin=GTIN, tote="3"),
        PickLine(
            bin="A-01-2",
            sku="LAMPE-ARC-NOIR",
            name=LAMP.name,
            quantity=1,
            order_number="10412",
            detail="Noir, 210 cm",
            gtin="3760123450027",
            tote="3",
            picture=picture(),
        ),
        PickLine(
            bin="B-02-2",
            sku="ABJ-LIN-35",
            name=SHADE.name,
            quantity=2,
            order_number="10415",
            detail="Écru, 35 cm",
            gtin="96385074",
            tote="1",
        ),
        PickLine(
            bin="B-02-2",
            sku="ABJ-LIN-35",
            name=SHADE.name,
            quantity=1,
            order_number="10419",
            detail="Écru, 35 cm",
            gtin="96385074",
            tote="4",
        ),
        PickLine(
            bin="A-01-10",
            sku="CARTON-24",
            name="Bougies de table, carton de 24",
            quantity=3,
            order_number="10420",
            gtin="13760123450017",
            tote="2",
        ),
        PickLine(bin="C-11-1", sku="CAFE-VRAC", name=COFFEE.name, quantity=1250, weighed=True, order_number="10420", tote="2"),
        PickLine(bin="", sku="CHEQUE-50", name="Chèque-cadeau 50 €", quantity=1, order_number="10421"),
    )
    given: dict[str, object] = {
        "number": "V-2026-0317",
        "location": "Entrepôt de Lyon",
        "lines": lines,
        "on": date(2026, 3, 17),
        "picker": "Nadia",
    }
    return PickList(**(given | changes))  # pyright: ignore[reportArgumentType]


def packing_slip(**changes: object) -> PackingSlip:
    given: dict[str, object] = {
        "seller": SELLER,
        "order_number": "10412",
        "shipment_number": "EXP-10412-1",
        "lines": ITEMS,
        "to_follow": (Item(sku="TAPIS-ARAN", name="Tapis Aran, laine", quantity=1, detail="Naturel, 160 × 230 cm"),),
        "ship_to": BUYER,
        "ordered_on": date(2026, 3, 15),
        "packed_on": date(2026, 3, 17),
        "carrier": "Colissimo",
        "service": "Domicile",
        "tracking_number": TRACKING,
        "parcels": 2,
        "gift_message": "Joyeux anniversaire, maman !\nDe nous trois.",
        "note": "Emballé avec soin par Nadia.",
        "return_code": "RET-7K4M2",
        "returns_until": date(2026, 4, 16),
        "returns_at": "maison-lumen.example/retours",
    }
    return PackingSlip(**(given | changes))  # pyright: ignore[reportArgumentType]


def parcel_label(**changes: object) -> ParcelLabel:
    given: dict[str, object] = {
        "sender": HOUSE,
        "recipient": BUYER,
        "carrier": "Coursiers du Rhône",
        "service": "Express 24 h",
        "tracking_number": TRACKING,
        "routing_code": "FR-44-NTE-2",
        "weight": 4280,
        "parcel": 2,
        "parcels": 3,
        "order_number": "10412",
        "shipped_on": date(2026, 3, 17),
        "instructions": "Code porte 45B12, 3e étage gauche",
        "signature": True,
    }
    return ParcelLabel(**(given | changes))  # pyright: ignore[reportArgumentType]


def manifest(count: int = 14) -> Manifest:
    cities = (("44000", "Nantes", "FR"), ("10999", "Berlin", "DE"), ("75011", "Paris", "FR"), ("1000", "Bruxelles", "BE"))
    parcels = tuple(
        ManifestParcel(
            tracking_number=f"6C{14287349125 + index}",
            order_number=str(10412 + index),
            service="Express 24 h" if index % 5 == 0 else "Domicile",
            postcode=cities[index % 4][0],
            city=cities[index % 4][1],
            country=cities[index % 4][2],
            weight=850 + 137 * index,
        )
        for index in range(count)
    )
    return Manifest(
        seller=SELLER,
        number="BR-2026-0317-1",
        carrier="Colissimo",
        location="Entrepôt de Lyon",
        parcels=parcels,
        on=date(2026, 3, 17),
        account="824 116",
    )


def invoice(**changes: object) -> Invoice:
    """418.00 of lamps and 2 × 49.00 of shades at 20 %, less 9.80; 1.25 kg of coffee at 5.5 %."""
    lines = (
        InvoiceLine(name=LAMP.name, sku=LAMP.sku, detail=LAMP.detail, quantity=1, net=money(34833), rate=Decimal("0.2")),
        InvoiceLine(
            name=SHADE.name,
            sku=SHADE.sku,
            detail=SHADE.detail,
            quantity=2,
            net=money(7350),
            rate=Decimal("0.2"),
            discount=money(817),
        ),
        InvoiceLine(name=COFFEE.name, sku=COFFEE.sku, quantity=1250, weighed=True, net=money(3904), rate=Decimal("0.055")),
        InvoiceLine(name="Livraison à domicile", quantity=1, net=money(575), rate=Decimal("0.2")),
    )
    given: dict[str, object] = {
        "number": "FA-2026-00123",
        "seller": SELLER,
        "buyer": Buyer(
            address=Address(
                name="", company="Hôtel des Marronniers", line1="21, rue Jacob", postcode="75006", city="Paris", country="FR"
            ),
            business=True,
            siren="552100554",
            vat_number="FR83552100554",
            reference="BC-4471",
        ),
        "ship_to": BUYER,
        "issued_on": date(2026, 3, 17),
        "supplied_on": date(2026, 3, 18),
        "order_number": "10412",
        "ordered_on": date(2026, 3, 15),
        "lines": lines,
        "vat": (
            VatTotal(Decimal("0.2"), money(42758), money(8552)),
            VatTotal(Decimal("0.055"), money(3904), money(215)),
        ),
        "total": money(55429),
        "payments": (PaymentMade("carte bancaire", date(2026, 3, 15), money(20000)),),
        "due_on": date(2026, 4, 16),
        "recovery_fee": money(4000),
        "account": BankAccount(iban="FR7630006000011234567890189", bic="AGRIFRPP", holder="Lumen & Filles SAS"),
        "vat_on_debits": True,
    }
    return Invoice(**(given | changes))  # pyright: ignore[reportArgumentType]


def return_slip(**changes: object) -> ReturnSlip:
    given: dict[str, object] = {
        "seller": SELLER,
        "order_number": "10412",
        "return_code": "RET-7K4M2",
        "lines": ITEMS[:3],
        "reasons": (
            ReturnReason("1", "Trop grand ou trop petit"),
            ReturnReason("2", "Ne ressemble pas à la photo"),
            ReturnReason("3", "Abîmé à l’arrivée"),
            ReturnReason("4", "Erreur d’article"),
            ReturnReason("5", "J’ai changé d’avis"),
        ),
        "return_to": Address(
            name="Maison Lumen",
            company="Service retours",
            line1="ZA des Peupliers, quai 4",
            postcode="69800",
            city="Saint-Priest",
            country="FR",
        ),
        "customer": BUYER,
        "until": date(2026, 4, 16),
    }
    return ReturnSlip(**(given | changes))  # pyright: ignore[reportArgumentType]


def pickup_notice(**changes: object) -> PickupNotice:
    morning, afternoon = Interval(600, 750), Interval(840, 1140)
    given: dict[str, object] = {
        "seller": SELLER,
        "order_number": "10412",
        "pickup_code": "K7M2X",
        "store": Address(
            name="Maison Lumen Croix-Rousse",
            line1="3, place de la Croix-Rousse",
            postcode="69004",
            city="Lyon",
            country="FR",
            phone="+33 4 78 00 00 01",
        ),
        "lines": ITEMS[:3],
        "collectors": ("Élodie Fournier", "Marc Fournier"),
        "hours": (
            (),
            (morning, afternoon),
            (morning, afternoon),
            (morning, afternoon),
            (morning, afternoon),
            (Interval(570, 1170),),
            (),
        ),
        "closed_on": (date(2026, 4, 6),),
        "ready_on": date(2026, 3, 17),
        "keep_until": date(2026, 3, 31),
        "due": money(4990),
        "directions": "Métro C, station Croix-Rousse. Le comptoir est au fond à gauche.",
    }
    return PickupNotice(**(given | changes))  # pyright: ignore[reportArgumentType]


def purchase_order(**changes: object) -> PurchaseOrder:
    given: dict[str, object] = {
        "seller": SELLER,
        "number": "P117",
        "order_number": "10412",
        "supplier": BERLIN,
        "ship_to": BUYER,
        "lines": (
            PurchaseItem(
                sku="LAMP-BLK",
                name="Lampe de table",
                quantity=2,
                supplier_sku="AC-1",
                cost=Decimal("17.50"),
                amount=money(3500),
            ),
            PurchaseItem(sku="CORD", name="Câble textile", quantity=1500, weighed=True),
        ),
        "revision": 2,
        "ordered_on": date(2026, 3, 31),
        "requested_on": date(2026, 4, 2),
        "answer_at": "https://lumen.example/supply/AAAA",
    }
    return PurchaseOrder(**(given | changes))  # pyright: ignore[reportArgumentType]


def customs(form: CustomsForm = CustomsForm.CN22, **changes: object) -> CustomsDeclaration:
    items = (
        CustomsItem(
            description="Table lamp, black marble base",
            quantity=1,
            weight=3900,
            value=money(34833),
            hs_code="940521",
            origin="FR",
        ),
        CustomsItem(
            description="Hand-woven linen lamp shade", quantity=2, weight=640, value=money(7350), hs_code="940599", origin="PT"
        ),
    )
    given: dict[str, object] = {
        "form": form,
        "kind": CustomsKind.SALE,
        "sender": HOUSE,
        "recipient": BOSTON,
        "items": items,
        "tracking_number": "CP123456785FR",
        "gross_weight": 5120,
        "sender_reference": "EORI FR81234567400019",
        "recipient_email": "sarah@harborbooks.example",
        "invoice_number": "FA-2026-00124",
        "postage": money(2390),
        "declared_on": date(2026, 3, 17),
        "signed_by": "N. Haddad",
    }
    return CustomsDeclaration(**(given | changes))  # pyright: ignore[reportArgumentType]


def every_kind() -> list[Document]:
    """One of each, on each paper."""
    return [
        pick_list(),
        packing_slip(),
        parcel_label(),
        manifest(),
        invoice(),
        return_slip(),
        pickup_notice(),
        purchase_order(),
        customs(CustomsForm.CN22),
        customs(CustomsForm.CN23),
    ]


def texts(pdf: bytes) -> list[str]:
    """The text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_bounded() for page in document]


def objects(pdf: bytes) -> bytes:
    """All that is in the file, unpacked."""
    parts = [pdf]
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        with contextlib.suppress(zlib.error):  # a picture is packed by other means
            parts.append(zlib.decompressobj().decompress(packed))
    return b"\n".join(parts)


def images(pdf: bytes, scale: float = 3) -> list[Image.Image]:
    """Each page as it looks."""
    opened = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=scale).to_pil() for page in opened]  # pyright: ignore[reportArgumentType] - any number will do
