"""Products, stock, locations, bins and postcodes from plain CSV files, whose columns `docs/` lists."""

from comptoir.connectors.plain.bins import BIN_FIELDS, read_bins
from comptoir.connectors.plain.locations import LOCATION_FIELDS, read_locations
from comptoir.connectors.plain.postcodes import POSTCODE_FIELDS, read_postcodes
from comptoir.connectors.plain.products import PRODUCT_FIELDS, read_products
from comptoir.connectors.plain.stock import STOCK_FIELDS, StockBatch, read_stock, read_stock_batches

__all__ = [
    "BIN_FIELDS",
    "LOCATION_FIELDS",
    "POSTCODE_FIELDS",
    "PRODUCT_FIELDS",
    "STOCK_FIELDS",
    "StockBatch",
    "read_bins",
    "read_locations",
    "read_postcodes",
    "read_products",
    "read_stock",
    "read_stock_batches",
]
