"""All layouts of order files, for choosing one by name or by a file's header."""

from __future__ import annotations

from comptoir.connectors import amazon, ebay, etsy, shopify, uci, woocommerce
from comptoir.sdk.orderfiles import OrderFileLayout

ORDER_LAYOUTS: tuple[OrderFileLayout, ...] = (
    uci.LAYOUT,
    shopify.LAYOUT,
    shopify.SQUARESPACE,
    amazon.LAYOUT,
    ebay.LAYOUT,
    etsy.LAYOUT,
    woocommerce.LAYOUT,
)
