"""Secrets: encrypted at rest, signed, made at random, hashed.

Everything derives from the settings' one secret key (HKDF-SHA256), with a key of its own for each purpose, so that what was
made for one purpose is worth nothing for another. Ciphertexts name the key that made them: to change it, put the new key
first and keep the old one as previous until `is_current` says that nothing needs it any more.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import hmac
import os
import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import argon2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from comptoir.kernel.errors import Fault, Remedy

T = TypeVar("T")

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_VERSION) + _KEY_ID_BYTES
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_BYTES = 32
_BODY_LENGTH = 43  # 256 bits in base 62
_CHECK_LENGTH = 6  # 32 bits in base 62
MAX_PASSWORD_LENGTH = 1024


class Undecipherable(Fault):
    """A stored secret was made with a key that we do not have, or was changed."""

    code = "undecipherable"

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"a stored secret ({purpose}) does not open with this secret key: restore the key that it was stored with",
            remedy=Remedy.MERCHANT,
            purpose=purpose,
        )


@lru_cache(maxsize=256)
def _derived(key: bytes, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"comptoir/{info}".encode()).derive(key)


def _key_id(key: bytes) -> bytes:
    return _derived(key, "key-id")[:_KEY_ID_BYTES]


class Keyring:
    """The secret key, and those before it."""

    def __init__(self, key: bytes, previous: Sequence[bytes] = ()) -> None:
        assert len(key) >= 32, "a short key is no secret"
        self._key = key
        self._by_id = {_key_id(one): one for one in (key, *previous)}

    def __repr__(self) -> str:
        return "Keyring(…)"

    def encrypt(self, plain: bytes, purpose: str) -> bytes:
        """AES-256-GCM under the current key; opens only for the same purpose."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(_derived(self._key, f"encrypt/{purpose}"))
        return _VERSION + _key_id(self._key) + nonce + cipher.encrypt(nonce, plain, purpose.encode())

    def decrypt(self, sealed: bytes, purpose: str) -> bytes:
        """Raises `Undecipherable`."""
        key = self._by_id.get(sealed[1:_HEAD])
        if key is None or sealed[:1] != _VERSION:
            raise Undecipherable(purpose)
        cipher = AESGCM(_derived(key, f"encrypt/{purpose}"))
        nonce, body = sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, purpose.encode())
        except (InvalidTag, ValueError) as problem:
            raise Undecipherable(purpose) from problem

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was made with the current key; otherwise encrypt it again when it is next at hand."""
        return sealed[:_HEAD] == _VERSION + _key_id(self._key)

    def mac(self, message: bytes, purpose: str) -> bytes:
        """HMAC-SHA256 under the current key."""
        return hmac.digest(_derived(self._key, f"sign/{purpose}"), message, "sha256")

    def mac_fits(self, mac: bytes, message: bytes, purpose: str) -> bool:
        """Whether any key of the ring made it; takes the same time whatever differs."""
        made = [hmac.digest(_derived(key, f"sign/{purpose}"), message, "sha256") for key in self._by_id.values()]
        return any([hmac.compare_digest(mac, one) for one in made])  # noqa: C419 - all of them, for the same time

    def sign(self, payload: bytes, purpose: str, expires_at: datetime | None = None) -> str:
        """The payload, readable, with its end and a signature; fits in a cookie or an address."""
        body = int(expires_at.timestamp() if expires_at else 0).to_bytes(8) + payload
        return f"{_to_text(body)}.{_to_text(self.mac(body, purpose))}"

    def signed(self, text: str, purpose: str, now: datetime) -> bytes | None:
        """The payload of what `sign` made for this purpose, None when it is not ours or has expired."""
        head, _, tail = text.partition(".")
        body, mac = _from_text(head), _from_text(tail)
        if body is None or mac is None or len(body) < 8 or not self.mac_fits(mac, body, purpose):
            return None
        end = int.from_bytes(body[:8])
        return None if end and end <= now.timestamp() else body[8:]


def _to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None


def _base62(number: int, length: int) -> str:
    chars = [""] * length
    for i in range(length - 1, -1, -1):
        number, digit = divmod(number, 62)
        chars[i] = _ALPHABET[digit]
    return "".join(chars)


def new_token(prefix: str) -> str:
    """`prefix_`, 256 random bits and a checksum: 49 letters and digits after the underscore.

    The prefix lets scanners find one that was published; the checksum lets them, and us, drop what cannot be one without a
    query.
    """
    body = _base62(int.from_bytes(secrets.token_bytes(_TOKEN_BYTES)), _BODY_LENGTH)
    return f"{prefix}_{body}{_checksum(prefix, body)}"


def _checksum(prefix: str, body: str) -> str:
    return _base62(zlib.crc32(f"{prefix}_{body}".encode()), _CHECK_LENGTH)


def is_token(text: str, prefix: str) -> bool:
    """Whether `new_token` may have made it."""
    head, _, tail = text.partition("_")
    body, check = tail[:_BODY_LENGTH], tail[_BODY_LENGTH:]
    return (
        head == prefix
        and tail.isascii()
        and tail.isalnum()
        and len(check) == _CHECK_LENGTH
        and check == _checksum(prefix, body)
    )


def hash_token(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits, so that a plain SHA-256 cannot be reversed by guessing."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


_hasher = argon2.PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
"""Argon2id above OWASP's minimum (19 MiB, 2 passes). More memory per hash would be paid by each of the concurrent sign-ins."""


class _Threads:
    """Hashing takes tens of milliseconds and its memory: two at a time per process, outside the event loop."""

    def __init__(self) -> None:
        self._pool = self._made()
        # Threads do not survive a fork: a copy that counted on them would wait for ever. Parent and copy begin anew.
        os.register_at_fork(before=self._end)

    def _made(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

    def _end(self) -> None:
        self._pool.shutdown()
        self._pool = self._made()

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


_hashing = _Threads().run


async def hash_password(password: str) -> str:
    """Argon2id, in a thread."""
    return await _hashing(lambda: _hasher.hash(password.encode()))


async def password_fits(password_hash: str, password: str) -> bool:
    """Whether this is the password. An empty hash fits none, after the same time: it stands for a user who does not exist."""
    if len(password) > MAX_PASSWORD_LENGTH:
        password = ""
    return await _hashing(lambda: _fits(password_hash, password))


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _nobodys_hash(), password.encode()) and bool(password_hash)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_bytes(16))


def needs_rehash(password_hash: str) -> bool:
    """Whether it was made with other costs than today's."""
    return _hasher.check_needs_rehash(password_hash)
