from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Fault, Invalid
from comptoir.runtime.settings import Settings


def test_an_empty_environment_gives_a_shop_on_this_machine() -> None:
    settings = Settings.load({})
    assert settings.data == Path(".data").absolute()
    assert settings.database_url is None
    assert (settings.host, settings.port, settings.web_processes) == ("127.0.0.1", 8000, 1)
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", None)
    assert (settings.log, settings.log_level) == ("text", "info")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.secure_cookies is False


def test_every_variable_is_read() -> None:
    settings = Settings.load(
        {
            "COMPTOIR_DATA": "/srv/shop",
            "DATABASE_URL": "postgresql://shop:hunter2@db/shop",
            "COMPTOIR_HOST": "0.0.0.0",
            "COMPTOIR_PORT": "80",
            "COMPTOIR_WEB_PROCESSES": "4",
            "COMPTOIR_METRICS_HOST": "0.0.0.0",
            "COMPTOIR_METRICS_PORT": "9100",
            "COMPTOIR_LOG": "JSON",
            "COMPTOIR_LOG_LEVEL": "Warning",
            "COMPTOIR_PUBLIC_URL": "https://shop.example.com/",
            "COMPTOIR_KEEP_KEYS_DAYS": "7",
            "COMPTOIR_KEEP_EVENTS_DAYS": "730",
            "COMPTOIR_PROMISES_KEPT": "95",
        }
    )
    assert settings == Settings(
        data=Path("/srv/shop"),
        database_url="postgresql://shop:hunter2@db/shop",
        host="0.0.0.0",
        port=80,
        web_processes=4,
        metrics_host="0.0.0.0",
        metrics_port=9100,
        log="json",
        log_level="warning",
        public_url="https://shop.example.com",
        secure_cookies=True,
        keep_keys_days=7,
        keep_events_days=730,
        promises_kept=95,
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"COMPTOIR_PORT": "", "DATABASE_URL": " "}) == Settings.load({})


def test_cookies_are_secure_behind_https_unless_told_otherwise() -> None:
    behind_https = {"COMPTOIR_PUBLIC_URL": "https://shop.example.com"}
    assert Settings.load(behind_https).secure_cookies is True
    assert Settings.load({**behind_https, "COMPTOIR_SECURE_COOKIES": "off"}).secure_cookies is False


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_public_address_is_one_that_a_browser_can_open(host: str, address: str) -> None:
    assert Settings.load({"COMPTOIR_HOST": host}).public_url == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://shop@db/shop"),
        ("COMPTOIR_PORT", "http"),
        ("COMPTOIR_PORT", "65536"),
        ("COMPTOIR_PORT", "-1"),
        ("COMPTOIR_WEB_PROCESSES", "0"),
        ("COMPTOIR_METRICS_PORT", "none"),
        ("COMPTOIR_LOG", "xml"),
        ("COMPTOIR_LOG_LEVEL", "loud"),
        ("COMPTOIR_SECRET_KEY", "short"),
        ("COMPTOIR_PUBLIC_URL", "shop.example.com"),
        ("COMPTOIR_PUBLIC_URL", "http://[::1"),
        ("COMPTOIR_SECURE_COOKIES", "perhaps"),
    ],
)
def test_a_value_that_says_nothing_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name) as refusal:
        Settings.load({name: value})
    errors = refusal.value.data["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [name]


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid, match=r"COMPTOIR_PORT .*; COMPTOIR_LOG "):
        Settings.load({"COMPTOIR_PORT": "x", "COMPTOIR_LOG": "y"})


@given(port=st.text())
def test_any_text_for_a_port_is_a_port_or_is_refused(port: str) -> None:
    stripped = port.strip()
    if not stripped:
        assert Settings.load({"COMPTOIR_PORT": port}).port == 8000
    elif re.fullmatch("[0-9]+", stripped) and int(stripped) <= 65535:
        assert Settings.load({"COMPTOIR_PORT": port}).port == int(stripped)
    else:
        with pytest.raises(Invalid, match="COMPTOIR_PORT"):
            Settings.load({"COMPTOIR_PORT": port})


def test_no_secret_shows_in_a_log_line_or_in_a_refusal() -> None:
    secret = "correct horse battery staple, often"
    assert secret not in repr(Settings.load({"COMPTOIR_SECRET_KEY": secret}))
    assert "hunter2" not in repr(Settings.load({"DATABASE_URL": "postgresql://shop:hunter2@db/shop"}))
    with pytest.raises(Invalid) as refusal:
        Settings.load({"DATABASE_URL": "shop:hunter2@db", "COMPTOIR_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(refusal.value)


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    key = Settings(data=data).secret_key
    assert len(key) == 32
    assert Settings(data=data).secret_key == key
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data.iterdir()] == ["secret.key"]


def test_of_many_processes_that_make_the_key_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings(data=tmp_path).secret_key, range(32)))
    assert len(keys) == 1


def test_a_given_secret_makes_a_key_and_no_file(tmp_path: Path) -> None:
    keys = [Settings.load({"COMPTOIR_DATA": str(tmp_path), "COMPTOIR_SECRET_KEY": letter * 32}).secret_key for letter in "aab"]
    assert [len(key) for key in keys] == [32, 32, 32]
    assert keys[0] == keys[1] != keys[2]
    assert not list(tmp_path.iterdir())


def test_a_key_file_that_was_cut_short_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"half")
    with pytest.raises(Fault, match=r"secret\.key"):
        _ = Settings(data=tmp_path).secret_key
    assert (tmp_path / "secret.key").read_bytes() == b"half"
