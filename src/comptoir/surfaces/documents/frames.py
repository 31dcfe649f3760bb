"""What goes through the pipes between `press` and `process`: a frame is its length in eight bytes, then MessagePack."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO

import msgspec

from comptoir.surfaces.documents.contracts import KINDS, Document

_LENGTH = struct.Struct(">Q")


class Sheet(msgspec.Struct, frozen=True):
    """A document, by the name of its kind."""

    kind: str
    locale: str
    document: msgspec.Raw

    def opened(self) -> tuple[Document, str]:
        return msgspec.msgpack.decode(self.document, type=KINDS[self.kind]), self.locale


class Job(msgspec.Struct, frozen=True):
    sheets: list[Sheet]


def packed(sheets: Sequence[tuple[Document, str]]) -> bytes:
    """The job of printing these."""
    told = [{"kind": type(document).__name__, "locale": locale, "document": document} for document, locale in sheets]
    return msgspec.msgpack.encode({"sheets": told})


class Answer(msgspec.Struct, frozen=True):
    """A PDF, or why there is none."""

    pdf: bytes = b""
    pages: int = 0
    without_font: tuple[str, ...] = ()
    missing: str = ""
    """The library that this machine lacks."""
    problem: str = ""
    """A mistake of ours, with where it was made."""


def read_frame(source: IO[bytes]) -> bytes | None:
    """The next frame; None when the other side is gone, in the middle of one too."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = source.read(length)
    return body if len(body) == length else None


def write_frame(target: IO[bytes], body: bytes) -> None:
    target.write(_LENGTH.pack(len(body)))
    target.write(body)
    target.flush()
