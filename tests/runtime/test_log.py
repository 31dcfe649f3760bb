"""Logs say what happened, in which request, and no secret."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import procrastinate.exceptions
import psycopg
import psycopg_pool
import pytest
import structlog

from comptoir.runtime import log
from comptoir.runtime.consumers import ConsumerLag
from comptoir.runtime.jobs import JobCount
from comptoir.runtime.metrics import CONTENT_TYPE, Metrics
from comptoir.runtime.presence import Presence

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    out = io.StringIO()
    log.setup("json", "info", out)
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_entry_is_one_line_of_json(lines: Lines) -> None:
    structlog.get_logger("comptoir.test").info("order placed", order="ord_1", lines=3)
    (entry,) = lines()
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "order placed", "order": "ord_1", "lines": 3, "level": "info", "logger": "comptoir.test"}


def test_the_standard_library_goes_the_same_way(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").warning("started on %s", "http://user:hush@host/")
    logging.getLogger("httpx2").info("GET https://x/?token=hush")
    logging.getLogger("anything").debug("too quiet")
    (entry,) = lines()
    assert (entry["event"], entry["level"], entry["logger"]) == (
        "started on http://[redacted]@host/",
        "warning",
        "uvicorn.error",
    )


def test_all_that_happens_in_a_request_carries_its_id(lines: Lines) -> None:
    logger = structlog.get_logger()
    with log.request("abc-123") as given:
        logger.info("inside")
        logging.getLogger("x").warning("inside too")
    with log.request("evil\nid") as made:
        logger.info("inside")
    logger.info("outside")
    assert given == "abc-123"
    assert made != "evil\nid"
    assert len(made) == 32
    assert [entry.get("request_id") for entry in lines()] == ["abc-123", "abc-123", made, None]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "é", "a\x00", "<script>"])
def test_a_strangers_request_id_is_taken_only_when_it_is_plain(given: str) -> None:
    with log.request(given) as current:
        assert current != given


@pytest.mark.parametrize(
    "name",
    ["password", "Password", "new_password", "token", "apiToken", "Authorization", "secret_key", "client-secret", "api_key",
     "cookie", "set-cookie", "csrf_token", "X-Api-Key", "webhookSecret", "session"],
)  # fmt: skip
def test_a_secrets_name_is_known(name: str) -> None:
    assert log.is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "token_id",
        "keyboard",
        "key",
        "idempotency_key",
        "monkey",
        "secretary",
        "sku",
        "tokens_count",
        "",
        "pinned",
        "session_id",
    ],
)
def test_what_only_sounds_like_one_is_not(name: str) -> None:
    assert not log.is_secret_name(name)


def test_secrets_are_replaced_wherever_they_stand(lines: Lines) -> None:
    structlog.get_logger().info(
        "called with ctk_AAAAbbbbCCCCdddd",
        password="hush",
        headers={"Authorization": "Bearer hush", "accept": "x"},
        deep=[{"a": {"clientSecret": "hush"}}, "Bearer hushhushhush", ("postgresql://u:hush@db/x",)],
        body=b"hush",
        empty_password="",
    )
    (entry,) = lines()
    assert "hush" not in json.dumps(entry)
    assert "bbbb" not in json.dumps(entry)
    assert entry["event"] == "called with [redacted]"
    assert entry["headers"] == {"Authorization": "[redacted]", "accept": "x"}
    assert entry["deep"] == [{"a": {"clientSecret": "[redacted]"}}, "Bearer [redacted]", ["postgresql://[redacted]@db/x"]]
    assert entry["body"] == "<4 bytes>"


def _break(*, password: str) -> None:
    raise ValueError("bad token ctk_AAAAbbbbCCCCdddd", len(password))


def test_an_exception_is_logged_without_local_variables_and_without_secrets(lines: Lines) -> None:
    try:
        _break(password="hu" + "sh")
    except ValueError:
        structlog.get_logger().exception("broke")
    (entry,) = lines()
    assert "ValueError: ('bad token [redacted]', 4)" in entry["exception"]
    assert "hush" not in entry["exception"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_stranger_cannot_forge_an_entry(form: Any) -> None:
    out = io.StringIO()
    log.setup(form, "info", out)
    structlog.get_logger().info("search", query="x\n2026-01-01 [info] paid \x1b[31m red", other="\r\n")
    logging.getLogger("x").warning("hello\nforged")
    assert len(out.getvalue().splitlines()) == 2
    assert "\x1b[31m" not in out.getvalue()


def test_text_is_for_people() -> None:
    out = io.StringIO()
    log.setup("text", "warning", out)
    structlog.get_logger().info("not shown")
    structlog.get_logger().warning("order placed", order="ord_1")
    assert "order placed" in out.getvalue()
    assert "order=ord_1" in out.getvalue()
    assert "not shown" not in out.getvalue()


def test_warnings_are_logged(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)
    assert "old" in lines()[0]["event"]


def test_figures_are_shown_to_prometheus() -> None:
    metrics = Metrics("web-1")
    metrics.request_done("GET", "/orders/{id}", 200, 0.003)
    metrics.batch_done(7, 0.01)
    metrics.job_ended("sweep", "succeeded", 0.5)
    metrics.show_lag([ConsumerLag("webhooks", 12, 0.5, 1)])
    metrics.show_jobs([JobCount("default", "todo", 3)])
    metrics.watch_waiting(lambda: 4)
    metrics.watch_pool("main", lambda: {"pool_size": 5})
    text = metrics.render().decode()
    for line in (
        'comptoir_http_requests_total{method="GET",process="web-1",route="/orders/{id}",status="200"} 1.0',
        'comptoir_http_request_seconds_bucket{le="0.005",method="GET",process="web-1",route="/orders/{id}"} 1.0',
        'comptoir_capture_batch_size_bucket{le="8.0",process="web-1"} 1.0',
        'comptoir_job_seconds_count{outcome="succeeded",process="web-1",task="sweep"} 1.0',
        'comptoir_consumer_lag_events{consumer="webhooks",process="web-1"} 12.0',
        'comptoir_consumer_parked_events{consumer="webhooks",process="web-1"} 1.0',
        'comptoir_jobs{process="web-1",queue="default",status="todo"} 3.0',
        'comptoir_capture_waiting{process="web-1"} 4.0',
        'comptoir_db_pool{figure="pool_size",pool="main",process="web-1"} 5.0',
    ):
        assert line in text.splitlines()
    assert 'process_resident_memory_bytes{process="web-1"}' in text
    assert CONTENT_TYPE.startswith("text/plain")
    metrics.show_jobs([])
    assert "comptoir_jobs{" not in metrics.render().decode(), "a queue that is empty is not shown with its last figure"


def test_what_is_said_seldom_is_said_once_in_a_while_with_how_much_was_left_out(
    lines: Lines,
) -> None:
    logger = structlog.get_logger("comptoir.test")
    for n in range(5):
        logger.warning("fault", code="a", n=n, seldom=60)
    logger.warning("fault", code="b", seldom=60)
    logger.warning("fault", code="c")
    logger.warning("fault", code="c")
    logger.warning("fault", code="a", n=9, seldom=0)
    assert [(entry["code"], entry.get("n"), entry.get("left_out")) for entry in lines()] == [
        ("a", 0, None), ("b", None, None), ("c", None, None), ("c", None, None), ("a", 9, 4),
    ]  # fmt: skip
    assert all("seldom" not in entry for entry in lines())


def test_libraries_are_quiet_about_a_database_that_is_away(lines: Lines) -> None:
    def broken(problem: Exception) -> Exception:
        try:
            try:
                raise problem  # noqa: TRY301 - a cause, to be wrapped
            except Exception as cause:
                raise procrastinate.exceptions.ConnectorException from cause
        except procrastinate.exceptions.ConnectorException as told:
            return told

    worker = logging.getLogger("procrastinate.worker")
    worker.error("side task failed", exc_info=broken(psycopg.OperationalError("gone")))
    worker.error("poll_jobs_to_abort error", exc_info=broken(psycopg_pool.PoolTimeout("late")))
    logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1': refused")
    logging.getLogger("alembic.runtime.plugins").info("setup plugin alembic.autogenerate.schemas")
    assert lines() == []
    worker.error("Job ended with status: Error", exc_info=broken(ValueError("a bug")))
    assert [entry["event"] for entry in lines()] == ["Job ended with status: Error"]


def test_an_outage_is_told_at_its_beginning_at_its_end_and_once_a_minute(lines: Lines) -> None:
    now = 0.0
    presence = Presence("comptoir-web", clock=lambda: now)
    for second in range(0, 150, 2):
        now = float(second)
        presence.failed(psycopg.OperationalError("refused"))
        assert presence.troubled
    assert presence.away_for == 148
    for _ in range(3):
        presence.answered()
    assert (presence.away_for, presence.troubled) == (0, False)
    presence.lost()
    assert presence.troubled, "it may be the beginning of an outage"
    assert [(entry["event"], entry.get("seconds")) for entry in lines()] == [
        ("the database does not answer", None),
        ("the database still does not answer", 60),
        ("the database still does not answer", 120),
        ("the database answers again", 148.0),
    ]
