"""What is measured, what it must be, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """A figure's bounds. With `at_most`, smaller is better."""

    what: str
    must: float
    aim: float
    at_most: bool = False
    unit: str = "x"

    def met(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


TARGETS: dict[str, Target] = {
    "capture_spread": Target("orders/s over HTTP ÷ pgbench calling the equivalent SQL function, spread SKUs", 1.3, 2),
    "capture_hot": Target("the same, every order containing one hot SKU", 3, 6),
    "capture_million": Target("capture with 1,000,000 SKUs ÷ with 10,000", 0.85, 0.95),
    "capture_wide": Target("capture with 457 locations in the pool ÷ with 3", 0.7, 0.9),
    "availability_one": Target("availability of 1 SKU over HTTP ÷ a bare route with one primary-key select", 0.5, 0.8),
    "availability_many": Target("time of 100 SKUs x 457 locations ÷ of 1 SKU x 457", 10, 4, at_most=True),
    "replay_year": Target("order lines/s of the demo's replay ÷ order lines/s of capture_spread", 1, 1.5),
    "import_stock": Target("time to import 1 M stock rows ÷ bare COPY into copies of its tables", 4, 2, at_most=True),
    "routing_optimum": Target(
        "cost of the batch optimiser ÷ exact optimum (HiGHS), mean of 200 small batches", 1.02, 1.002, at_most=True
    ),
    "routing_batch": Target("time to route 10,000 orders over 457 locations ÷ to capture them", 5, 1, at_most=True),
    "routing_greedy": Target(
        "cost of the optimiser ÷ of one order after another, the demo's busiest week", 1, 0.85, at_most=True
    ),
    "routing_nearest": Target("the same ÷ of the nearest stores", 1, 0.85, at_most=True),
    "routing_share": Target(
        "share of capture's time that routing by a rule set takes, 457 locations", 0.3, 0.1, at_most=True, unit=""
    ),
    "simulate_year": Target("time to decide the demo's year again ÷ to replay it", 0.5, 0.1, at_most=True),
    "promise": Target("time of a promise for 3 SKUs over 457 locations ÷ of their availability", 3, 1.5, at_most=True),
    "dates_kept": Target(
        "share of promised dates that are kept when stores and carriers fail, the demo's year", 0.95, 0.99, unit=""
    ),
    "consumer_lag": Target("consumers' lag at the full capture rate", 10, 1, at_most=True, unit="s"),
    "memory": Target("memory of web + worker at full load", 400, 250, at_most=True, unit="MB"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and what is worth knowing beside it."""

    name: str
    value: float
    beside: str = ""

    @property
    def target(self) -> Target:
        return TARGETS[self.name]

    @property
    def verdict(self) -> str:
        if self.target.met(self.value, self.target.aim):
            return "aim"
        return "must" if self.target.met(self.value, self.target.must) else "MISSED"


def show(figures: list[Figure]) -> None:
    """A table for people."""
    table = Table(title="Benchmarks", show_lines=False)
    for column in ("name", "value", "must", "aim", "reached", "beside"):
        table.add_column(column, justify="right" if column in {"value", "must", "aim"} else "left")
    for figure in figures:
        sign = "≤" if figure.target.at_most else "≥"
        table.add_row(
            figure.name,
            f"{figure.value:.2f} {figure.target.unit}",
            f"{sign} {figure.target.must:g}",
            f"{sign} {figure.target.aim:g}",
            figure.verdict,
            figure.beside,
        )
    Console(width=160).print(table)


def save(figures: list[Figure], path: Path) -> None:
    """`{name: {value, must, aim}}`; figures of other groups that stand there already are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    for figure in figures:
        there[figure.name] = {"value": round(figure.value, 3), "must": figure.target.must, "aim": figure.target.aim}
    path.write_text(json.dumps(there, indent=2) + "\n")
