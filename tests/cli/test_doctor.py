"""`comptoir doctor`: what it finds, what it says to do, and what it puts right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.conftest import Command
from comptoir.kernel.ids import uuid7
from comptoir.surfaces.doctor import queries
from support import uci


@pytest.fixture
def shop(comptoir: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A house with some orders and their stock, on a server that counts as durable: that of the tests is not."""
    monkeypatch.setattr(queries, "FACTS", "SELECT current_setting('server_version'), '1 MB', true, true")
    path = uci.write(tmp_path / "year.csv", uci.orders(12))
    assert comptoir("import", "orders", path, "--stock").code == 0
    return comptoir


def _findings(said: str) -> dict[str, list[str]]:
    checks: list[dict[str, Any]] = json.loads(said)["checks"]
    return {check["check"]: [finding["code"] for finding in check["findings"]] for check in checks if check["findings"]}


def test_a_house_in_order_is_clean(shop: Command) -> None:
    ended = shop("doctor")
    assert ended.code == 0
    assert "All is well." in ended.out
    told = json.loads(shop("doctor", "--json").out)
    assert told["clean"] is True
    assert [check["check"] for check in told["checks"]] == [
        *(
            "migrations",
            "server",
            "event log",
            "consumers",
            "parked events",
            "jobs",
            "imports",
            "stock",
            "lots",
            "orders",
            "work",
            "refunds and credit",
            "sales figures",
        )
    ]


def test_a_level_that_drifted_is_found_and_made_up_for(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE inventory.levels SET on_hand = on_hand + 3 WHERE sku = (SELECT min(sku) FROM inventory.levels)"
        )
        entries = connection.execute("SELECT count(*) FROM inventory.entries").fetchone()
        found = shop("doctor")
        assert found.code == 1
        assert "on_hand is" in found.out
        assert "comptoir doctor --repair" in found.err
        assert _findings(shop("doctor", "--json").out) == {"stock": ["stock_ledger"]}
        repaired = shop("doctor", "--repair")
        assert repaired.code == 0
        assert "Repaired: 1 levels" in repaired.out
        after = connection.execute("SELECT count(*) FROM inventory.entries").fetchone()
    assert entries is not None
    assert after is not None
    assert after[0] > entries[0]
    assert shop("doctor").code == 0


def test_a_lot_that_is_not_what_its_ledger_says_is_found_and_put_right(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT sku, location_id FROM inventory.levels ORDER BY 1, 2").fetchone()
        assert row is not None
        connection.execute("INSERT INTO lots.terms VALUES (%s, 'lot', 0, 2)", row[:1])
        connection.execute("INSERT INTO lots.lots (sku, code, at) VALUES (%s, 'L1', now())", row[:1])
        connection.execute("INSERT INTO lots.shelves VALUES (%s, 'L1', %s, 2, 1, now(), now())", row)
        assert _findings(shop("doctor", "--json").out) == {"lots": ["lot_sum"]}
        repaired = shop("doctor", "--repair")
        assert repaired.code == 0
        assert "1 lots were put right" in repaired.out
        after = connection.execute("SELECT on_hand, held FROM lots.shelves").fetchone()
    assert after == (0, 0)
    assert shop("doctor").code == 0


def test_an_order_that_does_not_add_up_is_found_and_put_right(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE orders.orders SET quantity = quantity + 1 WHERE number = (SELECT min(number) FROM orders.orders)"
        )
    assert _findings(shop("doctor", "--json").out) == {"orders": ["order_counters"]}
    assert shop("doctor", "--repair").code == 0
    assert shop("doctor").code == 0


def test_work_that_nobody_was_promised_is_found_and_taken_away(shop: Command, database_url: str) -> None:
    made = uuid7()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO fulfilment.orders (id, order_id, order_number, channel_code, location_id, state, request, method, "
            "service, carrier, assignee, recipient, city, country, placed_at, created_at, quantity) "
            "SELECT %s, o.id, o.number, o.channel_code, l.id, 'open', 'unsubmitted', 'ship', 'standard', '', '', '', '', '', "
            "now(), now(), 2 FROM orders.orders o, locations.locations l LIMIT 1",
            (made,),
        )
        connection.execute(
            "INSERT INTO fulfilment.lines (fulfilment_id, line_no, sku, name, quantity) "
            "SELECT %s, 1, min(sku), '', 2 FROM inventory.levels",
            (made,),
        )
        assert _findings(shop("doctor", "--json").out) == {"work": ["work_work"]}
        repaired = shop("doctor", "--repair")
        assert "The work of 1 orders was put right." in repaired.out
        row = connection.execute("SELECT state FROM fulfilment.orders WHERE id = %s", (made,)).fetchone()
    assert row == ("cancelled",)
    assert shop("doctor").code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE fulfilment.orders SET quantity = 1")
    assert _findings(shop("doctor", "--json").out) == {"work": ["work_counter"]}


def test_a_log_that_is_ahead_of_its_server_is_found_and_caught_up_with(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE runtime.events SET tx = (pg_current_xact_id()::text::bigint + 50000)::text::xid8 "
            "WHERE seq = (SELECT max(seq) FROM runtime.events)"
        )
        found = shop("doctor")
        assert found.code == 1
        assert "restored from a dump" in found.err
        repaired = shop("doctor", "--repair")
        assert repaired.code == 0
        assert "The counter was moved on" in repaired.out
        ahead = connection.execute(
            "SELECT max(tx)::text::bigint < pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM runtime.events"
        ).fetchone()
    assert ahead == (True,)


def test_parked_events_late_consumers_and_failed_jobs_are_told(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO runtime.consumers (name) VALUES ('figures')")
        connection.execute("UPDATE runtime.events SET at = at - interval '1 hour'")
        connection.execute(
            "INSERT INTO runtime.parked_events (consumer, event_id, tx, seq, problem, attempts, at) "
            "SELECT 'figures', id, tx, seq, 'ValueError: oh', 5, now() FROM runtime.events ORDER BY seq LIMIT 1"
        )
        connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('q', 'a', 'failed')")
        connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('q', 'b', 'doing')")
        connection.execute(
            "INSERT INTO imports.runs (id, kind, layout, file_hash, state, actor, started_at, moved_at) "
            "VALUES (%s, 'orders', '', '', 'running', 'system', now(), now() - interval '1 hour')",
            (uuid7(),),
        )
    found = shop("doctor", "--json")
    assert found.code == 1
    assert _findings(found.out) == {
        "consumers": ["consumer_late"],
        "parked events": ["event_parked"],
        "jobs": ["jobs_stalled", "jobs_failed"],
        "imports": ["import_stands"],
    }
    assert "handled again" in shop("doctor", "--repair").out


def test_a_server_that_may_lose_what_it_acknowledged_is_told(comptoir: Command) -> None:
    ended = comptoir("doctor")
    assert ended.code == 1
    assert "does not write to disk before it answers" in ended.out
    assert "Set fsync" in ended.err


def test_migrations_behind_is_a_finding_and_stops_the_rest(comptoir: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '0000'")
    ended = comptoir("doctor", "--json")
    assert ended.code == 1
    assert _findings(ended.out) == {"migrations": ["migrations_behind"]}


def test_sales_figures_that_drifted_are_found_and_added_up_again(shop: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO orders.trade (clock, grain, at, channel_code, currency, orders) "
            "VALUES ('placed', 'hour', '2020-01-01Z', 'ghost', 'EUR', 7)"
        )
    assert _findings(shop("doctor", "--json").out) == {"sales figures": ["trade_drift"]}
    repaired = shop("doctor", "--repair")
    assert (repaired.code, "1 minutes and hours" in repaired.out) == (0, True)
    assert shop("doctor").code == 0
