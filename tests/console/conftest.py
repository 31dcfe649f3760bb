from __future__ import annotations

from support.console import furnished, owner, parts, shop, stranger

__all__ = ["furnished", "owner", "parts", "shop", "stranger"]
