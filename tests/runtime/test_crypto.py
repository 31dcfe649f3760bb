"""Secrets: what opens, what does not, and what is stored of them."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from datetime import UTC, datetime, timedelta

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Remedy
from comptoir.runtime import crypto
from comptoir.runtime.crypto import (
    Keyring,
    Undecipherable,
    hash_password,
    hash_token,
    is_token,
    needs_rehash,
    new_token,
    password_fits,
)

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(st.binary(), st.text(max_size=20))
def test_what_was_encrypted_opens_for_its_purpose(plain: bytes, purpose: str) -> None:
    ring = Keyring(KEY)
    sealed = ring.encrypt(plain, purpose)
    assert ring.decrypt(sealed, purpose) == plain
    assert ring.is_current(sealed)
    with pytest.raises(Undecipherable):
        ring.decrypt(sealed, purpose + "x")
    with pytest.raises(Undecipherable):
        Keyring(OTHER).decrypt(sealed, purpose)


def test_the_same_secret_never_looks_the_same_and_is_not_in_what_is_stored() -> None:
    ring = Keyring(KEY)
    one, two = ring.encrypt(b"hush hush", "p"), ring.encrypt(b"hush hush", "p")
    assert one != two
    assert b"hush" not in one
    assert "k" * 8 not in repr(ring)


@given(st.integers(0, 40), st.integers(1, 255))
def test_one_changed_bit_anywhere_is_noticed(position: int, flip: int) -> None:
    sealed = bytearray(Keyring(KEY).encrypt(b"hush hush", "p"))
    sealed[position % len(sealed)] ^= flip
    with pytest.raises(Undecipherable) as fault:
        Keyring(KEY).decrypt(bytes(sealed), "p")
    assert fault.value.remedy is Remedy.MERCHANT


@given(st.binary(max_size=60))
def test_rubbish_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Undecipherable):
        Keyring(KEY).decrypt(sealed, "p")


def test_after_a_change_of_key_the_old_ciphertexts_open_and_are_known_as_old() -> None:
    old = Keyring(OTHER).encrypt(b"hush", "p")
    ring = Keyring(KEY, previous=[OTHER])
    assert ring.decrypt(old, "p") == b"hush"
    assert not ring.is_current(old)
    assert ring.is_current(ring.encrypt(b"hush", "p"))
    assert ring.mac_fits(Keyring(OTHER).mac(b"m", "p"), b"m", "p")


def test_what_was_signed_is_read_until_it_expires_and_for_its_purpose_only() -> None:
    ring = Keyring(KEY)
    text = ring.sign(b"user:7", "csrf", NOW + timedelta(hours=1))
    assert ring.signed(text, "csrf", NOW) == b"user:7"
    assert ring.signed(text, "csrf", NOW + timedelta(hours=1)) is None
    assert ring.signed(text, "session", NOW) is None
    assert Keyring(OTHER).signed(text, "csrf", NOW) is None
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", text)
    assert ring.signed(ring.sign(b"", "csrf"), "csrf", NOW + timedelta(days=9999)) == b""


@given(st.text(max_size=80))
def test_what_we_did_not_sign_is_nothing(text: str) -> None:
    assert Keyring(KEY).signed(text, "csrf", NOW) is None


def test_a_token_is_long_random_and_checked() -> None:
    tokens = {new_token("ctk") for _ in range(500)}
    assert len(tokens) == 500
    assert all(re.fullmatch(r"ctk_[0-9A-Za-z]{49}", token) and is_token(token, "ctk") for token in tokens)


@given(st.integers(0, 48), st.sampled_from("0123456789abcXYZ"))
def test_a_mistyped_token_is_known_without_a_query(position: int, char: str) -> None:
    token = new_token("ctk")
    mistyped = token[: 4 + position] + char + token[5 + position :]
    assert is_token(mistyped, "ctk") is (mistyped == token)


@pytest.mark.parametrize(
    "text", ["", "ctk_", "ctk", "ctk_" + "é" * 49, "ctk_" + "a" * 49, "ctk_" + "a" * 5000, "\x00", "_", "ctk_a_b"]
)
def test_rubbish_is_no_token(text: str) -> None:
    assert not is_token(text, "ctk")


def test_of_a_token_its_sha256_is_stored() -> None:
    assert hash_token("ctk_x") == hashlib.sha256(b"ctk_x").digest()
    assert len(hash_token("\ud800")) == 32


async def test_a_password_is_stored_as_argon2id_and_fits_itself_only() -> None:
    stored = await hash_password("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert await password_fits(stored, "correct horse")
    assert not await password_fits(stored, "correct hors")
    assert not await password_fits(stored, "")
    assert not await password_fits(stored, "x" * 2000)
    assert not needs_rehash(stored)


async def test_nobodys_password_takes_as_long_and_never_fits() -> None:
    assert not await password_fits("", "")
    assert not await password_fits("", "anything")
    assert not await password_fits("not a hash", "anything")


async def test_an_older_hash_still_fits_and_asks_to_be_made_again() -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("pw")
    assert await password_fits(old, "pw")
    assert needs_rehash(old)


async def test_two_hashes_at_a_time_bound_the_memory() -> None:
    meeting, at_once, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal at_once, most
        with meeting:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with meeting:
            at_once -= 1

    await asyncio.gather(*(crypto._hashing(work) for _ in range(8)))
    assert most == 2
