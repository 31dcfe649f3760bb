"""Made-up values for the console's gallery and mock screens, and those screens as HTML."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import sin
from typing import Literal
from zoneinfo import ZoneInfo

from comptoir.i18n import gettext
from comptoir.surfaces.console.rendering import Page, User, render, render_error

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 3, 15, 2, 11, tzinfo=ZONE)
HOSTILE = "</textarea><script>document.title='hacked'</script><img src=x onerror=alert(1)>\"'"

STORES = [
    ("Cincinnati", -84.51, 39.10, 92),
    ("Columbus", -82.99, 39.96, 71),
    ("Dayton", -84.19, 39.76, 33),
    ("Louisville", -85.76, 38.25, 48),
    ("Indianapolis", -86.16, 39.77, 66),
    ("Nashville", -86.78, 36.16, 39),
    ("Memphis", -90.05, 35.15, 35),
    ("Atlanta", -84.39, 33.75, 84),
    ("Detroit", -83.05, 42.33, 57),
    ("Chicago", -87.65, 41.85, 88),
    ("St. Louis", -90.20, 38.63, 31),
    ("Dallas", -96.80, 32.78, 79),
    ("Houston", -95.36, 29.76, 82),
    ("Denver", -104.98, 39.74, 58),
    ("Phoenix", -112.07, 33.45, 49),
    ("Los Angeles", -118.24, 34.05, 90),
    ("San Diego", -117.16, 32.72, 34),
    ("Portland", -122.68, 45.52, 41),
    ("Seattle", -122.33, 47.61, 62),
    ("Salt Lake City", -111.89, 40.76, 28),
    ("Las Vegas", -115.14, 36.17, 30),
    ("Little Rock", -92.29, 34.75, 19),
    ("Richmond", -77.46, 37.55, 27),
    ("Charlotte", -80.84, 35.23, 36),
    ("Toledo", -83.56, 41.66, 17),
    ("Lexington", -84.50, 38.05, 22),
    ("Knoxville", -83.92, 35.96, 15),
    ("Kansas City", -94.58, 39.10, 26),
    ("Wichita", -97.34, 37.69, 12),
    ("Omaha", -95.94, 41.26, 14),
    ("Boise", -116.20, 43.61, 11),
    ("Albuquerque", -106.65, 35.08, 13),
]
PRODUCTS = [
    ("Bananas, yellow, per pound", "1082185", "Grocery", 312, 41),
    ("2% white milk, gallon", "1029743", "Grocery", 1204, 228),
    ("Whole strawberries, 16 oz", "1127831", "Produce", 18, 12),
    ("Unsalted butter, 4 sticks", "981760", "Grocery", 640, 88),
    ("Dark roast coffee, 12 oz", "995242", "Grocery", 96, 90),
    ("Sourdough loaf", "840361", "Bakery", 0, 0),
    ("AA batteries, 8 pack", "1070820", "Drug GM", 2310, 64),
    ("Shampoo, aloe, 400 ml", "883404", "Drug GM", 411, 9),
    ("Ground beef, 80/20, 1 lb", "1106523", "Meat", 74, 69),
    ("Sparkling water, 12 × 330 ml", "916122", "Grocery", 5120, 402),
    ("Paper towels, 6 rolls", "5569230", "Grocery", 866, 35),
    ("Cheddar, sharp, 8 oz", "826249", "Deli", 233, 71),
]
NAMES = [
    "Amélie Fontaine",
    "Marcus Bell",
    "",
    "Priya Raman",
    "",
    "Jonas Lindqvist",
    "Grace O'Neill",
    "",
    "Thu Nguyen",
    "Rosa Delgado",
    "",
    "Ben Carter",
    "Léa Marchand",
    "",
]


def _wave(count: int, base: float, swing: float, pace: float) -> list[int]:
    return [round(base + swing * sin(i / pace) + swing * 0.35 * sin(i * 2.3)) for i in range(count)]


def values(locale: str) -> dict[str, object]:
    """What the mock screens show; the few words of data are in the reader's language, as they would be in a real catalogue."""

    def say(english: str, french: str) -> str:
        return french if locale == "fr" else english

    channels = [
        (gettext(locale, name), icon)
        for name, icon in (
            ("Tills", "building-store"),
            ("Web shop", "world"),
            ("App", "device-mobile"),
            ("Marketplace", "shopping-bag"),
        )
    ]
    minutes = [(NOW - timedelta(minutes=60 - i)).strftime("%H:%M") for i in range(60)]
    states = [
        "shipped",
        "picking",
        "delivered",
        "reserved",
        "exception",
        "placed",
        "ready",
        "partially_shipped",
        "cancelled",
        "backordered",
        "packed",
        "delivered",
        "returned",
        "shipped",
    ]
    return {
        "orders_today": 4218,
        "revenue_today": 18_642_050,
        "reserved": 23_410,
        "lag": 0.84,
        "spark_orders": _wave(32, 60, 22, 5),
        "spark_revenue": _wave(32, 80, 26, 6),
        "spark_units": _wave(32, 40, 9, 4),
        "spark_lag": _wave(32, 20, 7, 2),
        "minute_chart": {
            "kind": "stack",
            "whole": True,
            "labels": minutes,
            "series": [
                {"name": channels[0][0], "values": _wave(60, 42, 9, 8)},
                {"name": channels[1][0], "values": _wave(60, 19, 8, 6)},
                {"name": channels[2][0], "values": _wave(60, 11, 4, 5)},
                {"name": channels[3][0], "values": _wave(60, 7, 3, 9)},
            ],
        },
        "line_chart": {
            "kind": "line",
            "currency": "USD",
            "labels": [f"{say('W', 'S')}{i}" for i in range(1, 27)],
            "series": [
                {"name": "2026", "values": [v * 100_000 for v in _wave(26, 92, 14, 6)]},
                {"name": "2025", "values": [v * 100_000 for v in _wave(26, 84, 12, 6)], "dashed": True},
            ],
        },
        "rows_chart": {
            "kind": "rows",
            "currency": "USD",
            "labels": ["Grocery", "Drug GM", "Produce", "Meat", "Deli", "Bakery"],
            "series": [
                {
                    "name": say("Revenue", "Chiffre d’affaires"),
                    "values": [48_210_000, 17_900_000, 11_200_000, 9_830_000, 4_410_000, 2_020_000],
                }
            ],
        },
        "area_chart": {
            "kind": "area",
            "labels": minutes,
            "series": [{"name": "s", "values": [v / 30 for v in _wave(60, 20, 7, 4)]}],
        },
        "bar_chart": {
            "kind": "bar",
            "labels": ["3/1", "3/2", "3/3", "3/4", "3/5", "3/6", "3/7"],
            "whole": True,
            "series": [{"name": say("Returns", "Retours"), "values": [12, 41, 22, 19, 17, 14, 9]}],
        },
        "us_map": {
            "map": "us",
            "points": [
                {
                    "name": name,
                    "lon": lon,
                    "lat": lat,
                    "value": size,
                    "href": "/stock",
                    "words": say(f"{size} orders today", f"{size} commandes aujourd’hui"),
                    "tone": {"Memphis": "bad", "Toledo": "warn", "Boise": "warn"}.get(name, ""),
                }
                for name, lon, lat, size in STORES
            ],
        },
        "europe_map": {
            "map": "europe",
            "points": [
                {"name": name, "lon": lon, "lat": lat, "value": size, "href": "", "words": "", "tone": ""}
                for name, lon, lat, size in (
                    ("Paris", 2.35, 48.86, 60),
                    ("Lyon", 4.84, 45.76, 31),
                    ("Lille", 3.06, 50.63, 22),
                    ("Bordeaux", -0.58, 44.84, 18),
                    ("Marseille", 5.37, 43.30, 27),
                    ("Orléans", 1.9, 47.9, 44),
                )
            ],
        },
        "exceptions": [
            {
                "title": say("Oversold: Dark roast coffee", "Survente : café torréfié"),
                "words": say("Marketplace, 3 orders, Memphis", "Marketplace, 3 commandes, Memphis"),
                "tone": "bad",
                "icon": "alert-triangle",
                "at": NOW - timedelta(minutes=48),
            },
            {
                "title": say("Not found while picking", "Introuvable à la préparation"),
                "words": "C-104 251 · Store 367",
                "tone": "warn",
                "icon": "package-off",
                "at": NOW - timedelta(minutes=31),
            },
            {
                "title": say("Address refused by the carrier", "Adresse refusée par le transporteur"),
                "words": "C-104 266 · UPS",
                "tone": "warn",
                "icon": "truck-return",
                "at": NOW - timedelta(minutes=9),
            },
        ],
        "moves": [
            {"product": PRODUCTS[at][0], "why": why, "change": change, "left": left}
            for at, why, change, left in (
                (1, say("Sold, Store 367", "Vendu, Store 367"), -2, 1204),
                (9, say("Received, Cincinnati warehouse", "Reçu, entrepôt de Cincinnati"), 480, 5120),
                (0, say("Sold, web shop", "Vendu, boutique en ligne"), -1, 312),
                (4, say("Count, Memphis", "Inventaire, Memphis"), -6, 96),
            )
        ],
        "channels": [
            {"name": name, "icon": icon, "lag": lag, "state": state}
            for (name, icon), lag, state in zip(channels, (0.04, 0.21, 0.19, 0.84), ("ok", "ok", "ok", "late"), strict=True)
        ],
        "orders": [
            {
                "number": f"C-104\u202f{283 - i}",
                "placed_at": NOW - timedelta(minutes=3 + i * 4 + i * i),
                "channel": channels[(i * 3 + 1) % 4][0],
                "channel_icon": channels[(i * 3 + 1) % 4][1],
                "customer": NAMES[i],
                "items": 1 + (i * 7) % 11,
                "total": 1_495 + (i * 7_919) % 38_000,
                "payment": ["paid", "paid", "authorized", "paid", "unpaid"][i % 5],
                "state": states[i],
                "location": ["Cincinnati", "Store 367", "Store 31", "Columbus"][i % 4],
            }
            for i in range(14)
        ],
        "lines": [
            {
                "product": "Dark roast coffee, 12 oz",
                "sku": "995242",
                "note": "",
                "price": 1299,
                "ordered": 4,
                "shipped": 4,
                "where": say("Parcel 1, Cincinnati", "Colis 1, Cincinnati"),
            },
            {
                "product": "Paper towels, 6 rolls",
                "sku": "5569230",
                "note": "",
                "price": 1189,
                "ordered": 6,
                "shipped": 6,
                "where": say("Parcel 1, Cincinnati", "Colis 1, Cincinnati"),
            },
            {
                "product": "Shampoo, aloe, 400 ml",
                "sku": "883404",
                "note": say("gift wrap", "papier cadeau"),
                "price": 585,
                "ordered": 4,
                "shipped": 1,
                "where": say("3 reserved at Store 367", "3 réservés à Store 367"),
            },
        ],
        "timeline": [
            {
                "at": NOW - timedelta(minutes=12),
                "what": say("Parcel 1 handed to UPS", "Colis 1 remis à UPS"),
                "who": "Dana Whitfield",
                "channel": "",
                "icon": "truck",
                "tone": "good",
                "detail": "1Z 999 AA1 0123 4567 84",
            },
            {
                "at": NOW - timedelta(minutes=31),
                "what": say("Packed", "Emballé"),
                "who": "Dana Whitfield",
                "channel": "",
                "icon": "package",
                "tone": "neutral",
            },
            {
                "at": NOW - timedelta(minutes=55),
                "what": say("3 units moved to Store 367", "3 unités passées à Store 367"),
                "who": say("Routing", "Affectation"),
                "channel": "",
                "icon": "route",
                "tone": "warn",
                "detail": say(
                    "A till sale took the last of Cincinnati.", "Une vente en caisse a pris les dernières de Cincinnati."
                ),
            },
            {
                "at": NOW - timedelta(minutes=60),
                "what": say("Paid, $149.02", "Payée, 149,02 $US"),
                "who": "Amélie Fontaine",
                "channel": channels[1][0],
                "icon": "credit-card",
                "tone": "good",
            },
            {
                "at": NOW - timedelta(minutes=60),
                "what": say("Placed, 14 units reserved", "Passée, 14 unités réservées"),
                "who": "Amélie Fontaine",
                "channel": channels[1][0],
                "icon": "receipt",
                "tone": "active",
            },
        ],
        "levels": [
            {
                "product": name,
                "sku": code,
                "category": category,
                "on_hand": hand,
                "reserved": reserved,
                "held": hand // 30,
                "available": max(hand - reserved - hand // 30, 0),
                "incoming": (hand * 7) % 90 if at % 3 else 0,
                "locations": 3 + (hand % 41),
                "state": "out_of_stock" if hand == 0 else "low" if hand - reserved < 12 else "in_stock",
            }
            for at, (name, code, category, hand, reserved) in enumerate(sorted(PRODUCTS, key=lambda p: p[3] - p[4]))
        ],
        "states": [
            "placed",
            "reserved",
            "shipped",
            "delivered",
            "cancelled",
            "exception",
            "low",
            "out_of_stock",
            "paid",
            "late",
        ],
        "note": HOSTILE,
    }


def page(locale: str, place: str = "", theme: Literal["auto", "light", "dark"] = "light", *, signed_in: bool = True) -> Page:
    user = User("Dana Whitfield", "dana@example.org", gettext(locale, "Operations")) if signed_in else None
    return Page(
        locale=locale,
        zone=ZONE,
        user=user,
        place=place,
        url=f"/{place}",
        theme=theme,
        request_id="req_01j9z3k7",
        counts={"exceptions": 7},
        now=NOW,
    )


def screens(locale: str, theme: Literal["auto", "light", "dark"] = "light") -> dict[str, Callable[[], str]]:
    """By name, a function that gives the HTML of one screen."""

    def screen(template: str, place: str) -> Callable[[], str]:
        return lambda: render(template, page(locale, place, theme), **values(locale))

    return {
        "gallery": screen("gallery.html", "settings"),
        "live": screen("gallery/live.html", "live"),
        "orders": screen("gallery/orders.html", "orders"),
        "order": screen("gallery/order.html", "orders"),
        "stock": screen("gallery/stock.html", "stock"),
        "sign_in": lambda: render("sign_in.html", page(locale, "", theme, signed_in=False), error="", email="", next="/"),
        "not_found": lambda: render_error(page(locale, "", theme), 404),
        "down": lambda: render_error(page(locale, "", theme, signed_in=False), 503),
    }
