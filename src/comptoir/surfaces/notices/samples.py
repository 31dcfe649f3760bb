"""A message about an order that there is not, for whoever wants to see what buyers get."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import structs

from comptoir.modules.notices.contracts import Content, NoticeKind
from comptoir.surfaces.notices.wording_after import AFTER

_NO_MONEY = frozenset({NoticeKind.CHANGED, NoticeKind.LOST, NoticeKind.DAMAGED, NoticeKind.RETURNING})
_COLLECTED = frozenset({NoticeKind.READY, NoticeKind.REMINDER, NoticeKind.GIVEN_BACK})


def sample(kind: NoticeKind, url: str, now: datetime) -> Content:
    """With something in every field that such a message shows."""
    content = Content(
        number=1042,
        name="Camille Roux",
        on=(now + timedelta(days=2)).date(),
        was_on=(now + timedelta(days=1)).date(),
        until=now + timedelta(days=3),
        reason="absent",
        carrier="UPS",
        tracking_number="1Z999AA10123456784",
        lines=(("T-shirt", 2),),
        total=3_998,
        currency="EUR",
        link=url,
    )
    if kind in AFTER:
        return structs.replace(
            content,
            on=None,
            was_on=None,
            reason="stock",
            carrier="",
            tracking_number="",
            total=None,
            lines=content.lines if kind is NoticeKind.CANCELLED else (),
            refund=None if kind in _NO_MONEY else 1_999,
            method="card" if kind is NoticeKind.REFUNDED else "",
            credit_code="7KQ2-M4XH-PT93-8RVD" if kind is NoticeKind.CREDITED else "",
        )
    return _collected(content, now) if kind in _COLLECTED else content


def _collected(content: Content, now: datetime) -> Content:
    """What is fetched at a counter has no carrier."""
    return structs.replace(
        content,
        place="Lyon Part-Dieu, 17 rue du Docteur Bouchut, 69003 Lyon",
        code="17-K7M2",
        waits_until=now + timedelta(days=5),
        opening=((now.date(), "09:00–19:00"),),
        refund=3_998,
        carrier="",
        tracking_number="",
    )
