"""All the SQL of substitution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import TupleRow

from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.substitution.contracts import Substitution
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_COLUMNS = (
    "id", "order_id", "fulfilment_id", "location_id", "line_no", "sku", "by_line_no", "by_sku", "quantity", "unit_price",
    "difference", "at", "actor",
)  # fmt: skip


async def substitutes(reader: Reader, skus: Sequence[str]) -> dict[str, list[str]]:
    rows = await reader.rows(
        "SELECT sku, substitute FROM substitution.substitutes WHERE sku = ANY(%(skus)s::text[]) ORDER BY sku, rank",
        {"skus": arrays.texts(skus)},
    )
    found: dict[str, list[str]] = {}
    for sku, substitute in rows:
        found.setdefault(sku, []).append(substitute)
    return found


async def put_substitutes(tx: Tx, wanted: Mapping[str, Sequence[str]]) -> None:
    """Those of these SKUs, in this order, and no others."""
    await tx.run(
        "DELETE FROM substitution.substitutes WHERE sku = ANY(%(skus)s::text[])", {"skus": arrays.texts(sorted(wanted))}
    )
    rows = [(sku, rank, one) for sku, others in sorted(wanted.items()) for rank, one in enumerate(others, 1)]
    await tx.run(
        "INSERT INTO substitution.substitutes (sku, rank, substitute) "
        "SELECT * FROM unnest(%(skus)s::text[], %(ranks)s::int[], %(others)s::text[])",
        {
            "skus": arrays.texts([sku for sku, _, _ in rows]),
            "ranks": arrays.int4s([rank for _, rank, _ in rows]),
            "others": arrays.texts([one for _, _, one in rows]),
        },
    )


def _row(row: TupleRow) -> tuple[str, tuple[str, ...]]:
    return row[0], tuple(row[1])


LISTING = Listing(
    "s.sku, s.others",
    "(SELECT sku, array_agg(substitute ORDER BY rank) AS others FROM substitution.substitutes GROUP BY sku) s",
    _row,
    sorts(("sku", [Key("s.sku")])),
)


def where(sku_begins: str) -> Where:
    where = Where()
    where.begins("s.sku", sku_begins)
    return where


async def insert(tx: Tx, one: Substitution) -> None:
    values: dict[str, Any] = {name: getattr(one, name) for name in _COLUMNS}
    await tx.run(
        f"INSERT INTO substitution.substitutions ({', '.join(_COLUMNS)}) "
        f"VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)})",
        values,
    )


async def of_order(reader: Reader, order_id: OrderId) -> list[Substitution]:
    rows = await reader.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM substitution.substitutions WHERE order_id = %(id)s ORDER BY at, id",
        {"id": order_id},
    )
    return [Substitution(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]
