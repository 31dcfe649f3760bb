"""The life cycle of a parcel: the table in the documentation is the one by which scans are folded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comptoir.sdk.tracking import FINAL, HOLDS, Scan, TrackingStatus, status_of

PAGE = (Path(__file__).parents[2] / "docs" / "lifecycles.md").read_text()
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def held(status: TrackingStatus) -> list[TrackingStatus]:
    return [other for other in TrackingStatus if other in HOLDS[status] and other is not status]


def test_the_table_of_a_parcel_is_the_one_in_the_code() -> None:
    section = PAGE.partition("## A parcel on its way\n")[2].partition("\n## ")[0]
    drawn = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert drawn == [
        f"| {status}{' (final)' if status in FINAL else ''} | {', '.join(held(status)) or '-'} |" for status in TrackingStatus
    ]


@pytest.mark.parametrize("status", TrackingStatus)
def test_a_later_scan_changes_a_parcel_unless_the_table_says_that_it_does_not(status: TrackingStatus) -> None:
    for later in TrackingStatus:
        scans = [Scan(status=status, at=AT), Scan(status=later, at=AT + timedelta(hours=1))]
        assert status_of(scans) is (status if later in held(status) else later)
