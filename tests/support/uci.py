"""Small files in the layout of UCI Online Retail, made from a few lines of a test."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

HEADER = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
YEAR = Path("data", "uci_online_retail", "online_retail_2009_2010.parquet")
Row = tuple[str, str, str, int, str, str, str, str]


def row(
    invoice: str,
    sku: str = "22423",
    quantity: int = 1,
    price: str = "2.50",
    *,
    name: str = "CAKESTAND",
    customer: str = "17850",
    at: str = "2010-01-04 10:00:00",
    country: str = "United Kingdom",
) -> Row:
    return (invoice, sku, name, quantity, at, price, customer, country)


def write(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)
    return path


def orders(count: int, lines: int = 3) -> list[Row]:
    """So many invoices with so many lines each; every tenth is a cancellation, every seventh has no customer."""
    return [
        row(
            f"{'C' if n % 10 == 0 else ''}{500_000 + n}",
            f"SKU{(n * 7 + line) % 50:03}",
            (-1 if n % 10 == 0 else 1) * (1 + (n + line) % 5),
            f"{1 + line}.{n % 100:02}",
            customer="" if n % 7 == 0 else str(12_000 + n % 37),
            at=f"2010-01-{1 + n % 28:02} 10:{n % 60:02}:00",
            country=("United Kingdom", "France", "EIRE")[n % 3],
        )
        for n in range(1, count + 1)
        for line in range(lines)
    ]


def net(rows: Iterable[Row]) -> int:
    """What they come to, in pence."""
    return int(sum(Decimal(price) * quantity for _, _, _, quantity, _, price, *_ in rows) * 100)
