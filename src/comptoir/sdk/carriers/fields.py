"""Which part of a parcel's description a carrier complains about, by the words that it uses."""

from __future__ import annotations

import re

_PARTS: tuple[tuple[str, str], ...] = (
    (r"hs[ _-]?(code|tariff)|tariff|harmoni[sz]ed", "items.hs_code"),
    (r"customs|incoterm|eel_pfc|export", "items"),
    (r"weight|too heavy|overweight", "parcel.weight"),
    (r"length|width|height|breadth|dimension|girth|too large|oversize", "parcel.length"),
    (r"currency|rupees", "items.value"),
    (r"service|courier partner id", "service"),
)
_LINES: tuple[tuple[str, str], ...] = (
    (r"\bzip\b|zip_?code|post(al)?[ _]?code|pin ?code|\bbad pin\b", "postcode"),
    (r"phone|mobile|telephone", "phone"),
    (r"e-?mail", "email"),
    (r"\bcity\b|town", "city"),
    (r"\bstate\b|province|region", "region"),
    (r"country", "country"),
    (r"street|line ?1|address", "line1"),
    (r"company|\bname\b", "name"),
    (r"tax[ _](id|number)|\beori\b|\bgstin?\b|\btin\b", "tax_number"),
)
_SENDER = re.compile(r"from_address|\bfrom\b|sender|shipper|pickup|origin|return_address")


def field_of(words: str) -> str:
    """A path into `RateRequest`, such as `recipient.postcode`; empty where the words name none.

    Where they do not say whose address is wrong, it is the recipient's: the sender's was right for the parcel before.
    """
    text = words.casefold()
    for pattern, name in _LINES:
        if re.search(pattern, text):
            return f"{'sender' if _SENDER.search(text) else 'recipient'}.{name}"
    return next((name for pattern, name in _PARTS if re.search(pattern, text)), "")
