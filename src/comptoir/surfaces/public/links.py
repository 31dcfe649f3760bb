"""The signed addresses of pages for buyers. Whoever has one sees that one order, for a while, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from comptoir.runtime.crypto import Keyring

TRACKING: Final = "/track"
ANSWER: Final = "/answer"
RETURN: Final = "/return"
STOP: Final = "/messages"
PAPERS: Final = "/papers"
_SEEN_FOR = timedelta(days=180)
_TRACKING_PURPOSE, _ANSWER_PURPOSE, _RETURN_PURPOSE = "tracking-page", "failed-delivery", "return-portal"
_STOP_PURPOSE, _PAPERS_PURPOSE = "messages-page", "buyer-papers"
_PAPERS_FOR = timedelta(hours=1)
"""So long papers are shown to whoever has said what only their buyer knows."""


class PublicLinks:
    """Makes them, and reads them back."""

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        self._keyring = keyring
        self._url = public_url

    @property
    def keyring(self) -> Keyring:
        """What the codes of these pages are made with."""
        return self._keyring

    def tracking(self, order_id: UUID, now: datetime) -> str:
        return f"{self._url}{TRACKING}/{self._keyring.sign(order_id.bytes, _TRACKING_PURPOSE, now + _SEEN_FOR)}"

    def answer(self, tracked_id: UUID, until: datetime) -> str:
        """Where the buyer answers, until then and later as long as nobody has acted; afterwards it says what was decided."""
        return f"{self._url}{ANSWER}/{self._keyring.sign(tracked_id.bytes, _ANSWER_PURPOSE, until + _SEEN_FOR)}"

    def returning(self, order_id: UUID, now: datetime) -> str:
        """Where the buyer of this order sends something back."""
        return f"{self._url}{RETURN}/{self._keyring.sign(order_id.bytes, _RETURN_PURPOSE, now + _SEEN_FOR)}"

    def finding(self, number: int) -> str:
        """Where whoever says the number of an order, and what only its buyer knows, sends something of it back."""
        return f"{self._url}{RETURN}?number={number}"

    def stopping(self, order_id: UUID, now: datetime) -> str:
        """Where the buyer of this order says which messages they want."""
        return f"{self._url}{STOP}/{self._keyring.sign(order_id.bytes, _STOP_PURPOSE, now + _SEEN_FOR)}"

    def papers(self, order_id: UUID, now: datetime) -> str:
        """Where the papers of an order are, for an hour: for somebody who has shown that it is theirs."""
        return f"{self._url}{PAPERS}/{self._keyring.sign(order_id.bytes, _PAPERS_PURPOSE, now + _PAPERS_FOR)}"

    def papers_of(self, token: str, now: datetime) -> UUID | None:
        """The order of such an address; None when it is not ours, or has expired."""
        return _id(self._keyring.signed(token, _PAPERS_PURPOSE, now))

    def stopped_by(self, token: str, now: datetime) -> UUID | None:
        """The order of such an address; None when it is not ours, or has expired."""
        return _id(self._keyring.signed(token, _STOP_PURPOSE, now))

    def returned_by(self, token: str, now: datetime) -> UUID | None:
        """The order of such an address; None when it is not ours, or has expired."""
        return _id(self._keyring.signed(token, _RETURN_PURPOSE, now))

    def order_of(self, token: str, now: datetime) -> UUID | None:
        """The order of a tracking address; None when it is not ours, or has expired."""
        return _id(self._keyring.signed(token, _TRACKING_PURPOSE, now))

    def parcel_of(self, token: str, now: datetime) -> UUID | None:
        """The parcel of an answer's address."""
        return _id(self._keyring.signed(token, _ANSWER_PURPOSE, now))


def _id(payload: bytes | None) -> UUID | None:
    return UUID(bytes=payload) if payload is not None and len(payload) == 16 else None
