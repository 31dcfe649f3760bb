"""What the catalogue refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownProduct(NotFound):
    code = "unknown_product"
    title = "No such product"


class UnknownVariant(NotFound):
    """No variant has the SKU in the address: `data["sku"]`."""

    code = "unknown_variant"
    title = "No such variant"


class ProductCodeTaken(Conflict):
    """`data["code"]` names another product already."""

    code = "product_code_taken"
    title = "Another product has this code"


class SkuTaken(Conflict):
    """`data["skus"]` are variants of other products."""

    code = "sku_taken"
    title = "Another product has this SKU"


class GtinTaken(Conflict):
    """`data["taken"]` is a list of {gtin, sku, owner}: the GTIN, who asked for it, and the SKU that has it."""

    code = "gtin_taken"
    title = "Another variant has this GTIN"
