"""What CP-SAT decides for the batch optimiser: exactly, for few jobs, or among ways that are listed, for many.

One worker and a fixed seed, with a limit in its own deterministic time beside the clock's: the same question has the same
answer wherever the clock does not cut it short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from comptoir.modules.routing.domain.ways import Enumerator, Left, Part, Way

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import Constraint, CpModel, CpSolver, IntVar

_CLASSES = 120
"""A parcel with more prices than this by weight is not put into the exact model."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One way for each case, or None where nothing was found; never more can be saved than down to `bound`."""

    ways: tuple[Way, ...] | None
    bound: int | None
    optimal: bool


# The stubs of ortools leave the types of these open.


def _total(variables: Sequence[IntVar]) -> Any:
    from ortools.sat.python import cp_model  # noqa: PLC0415 - a second and 100 MB, for whoever really optimises

    return cp_model.LinearExpr.sum(variables)  # pyright: ignore[reportUnknownMemberType]


def _weighted(variables: Sequence[IntVar], weights: Sequence[int]) -> Any:
    from ortools.sat.python import cp_model  # noqa: PLC0415 - see above

    return cp_model.LinearExpr.weighted_sum(variables, weights)  # pyright: ignore[reportUnknownMemberType]


def _only_if(constraint: Constraint, *literals: Any) -> None:
    constraint.only_enforce_if(*literals)  # pyright: ignore[reportUnknownMemberType]


def _run(model: CpModel, *, seconds: float, effort: float, seed: int) -> tuple[CpSolver, bool, bool]:
    """The solver after its work, whether it found anything, and whether that is the best."""
    from ortools.sat.python import cp_model  # noqa: PLC0415 - see above

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % (1 << 31)
    solver.parameters.max_time_in_seconds = max(0.01, seconds)
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model)
    return solver, status in {cp_model.OPTIMAL, cp_model.FEASIBLE}, status == cp_model.OPTIMAL


def _bound(solver: CpSolver) -> int:
    return int(np.ceil(solver.best_objective_bound - 1e-6))


def choose_among(
    listed: Sequence[Sequence[Way]], current: Sequence[Way], left: Left, *, seconds: float, effort: float, seed: int
) -> Answer:
    """The best choice of one of each case's ways, within what is left for all of them together."""
    from ortools.sat.python import cp_model  # noqa: PLC0415 - see above

    model = cp_model.CpModel()
    places: dict[int, list[IntVar]] = {}
    units: dict[tuple[str, int], list[tuple[IntVar, int]]] = {}
    chosen: list[list[IntVar]] = []
    costs: list[int] = []
    for ways, now in zip(listed, current, strict=True):
        variables = [model.new_bool_var("") for _ in ways]
        model.add_exactly_one(variables)
        chosen.append(variables)
        for variable, way in zip(variables, ways, strict=True):
            costs.append(way.cost)
            model.add_hint(variable, way == now)
            for site, _ in way.parts:
                places.setdefault(site, []).append(variable)
            for sku, site, count in way.uses:
                units.setdefault((sku, site), []).append((variable, count))
    for site, variables in places.items():
        if len(variables) > left.places[site]:
            model.add(_total(variables) <= int(left.places[site]))
    for (sku, site), uses in units.items():
        most = int(left.row(sku)[site])
        if sum(count for _, count in uses) > most:
            model.add(_weighted([one for one, _ in uses], [count for _, count in uses]) <= most)
    model.minimize(_weighted([one for variables in chosen for one in variables], costs))
    solver, found, optimal = _run(model, seconds=seconds, effort=effort, seed=seed)
    if not found:
        return Answer(None, None, optimal=False)
    ways = tuple(
        next(way for variable, way in zip(variables, options, strict=True) if solver.boolean_value(variable))
        for variables, options in zip(chosen, listed, strict=True)
    )
    return Answer(ways, _bound(solver), optimal)


@dataclass(slots=True)
class _Sheet:
    """One case in the exact model."""

    begun: dict[int, IntVar] = field(default_factory=dict[int, Any])
    """By site: whether it sends a parcel."""
    sent: dict[tuple[int, int], IntVar] = field(default_factory=dict[tuple[int, int], Any])
    """By site and position of the need: units."""


class _Exact:
    """Whole units of each line from each site, parcels, and their prices by weight."""

    def __init__(self, left: Left) -> None:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - see above

        self.model = cp_model.CpModel()
        self.left = left
        self.places: dict[int, list[IntVar]] = {}
        self.units: dict[tuple[str, int], list[IntVar]] = {}
        self.cost: list[tuple[IntVar, int]] = []
        self.constant = 0

    def add(self, one: Enumerator, hint: Way) -> _Sheet | None:
        """None for a case that is too large for it."""
        sheet = _Sheet()
        hinted = {site: dict(content) for site, content in hint.parts}
        able = one.quote.able & (self.left.places >= 1) & self.left.rows(one.asked).any(axis=0)
        for site in np.flatnonzero(able).tolist():
            if not self._site(one, sheet, site, hinted.get(site)):
                return None
        self._job(one, sheet, hint)
        return sheet

    def _site(self, one: Enumerator, sheet: _Sheet, site: int, hint: dict[int, int] | None) -> bool:
        model, ground = self.model, one.ground
        begun = sheet.begun[site] = model.new_bool_var("")
        model.add_hint(begun, hint is not None)
        picked: list[IntVar] = []
        heaviest = 0
        weight: list[tuple[IntVar, int]] = []
        for i, need in enumerate(one.job.needs):
            most = min(need.quantity, int(self.left.row(need.sku)[site]))
            if not most:
                continue
            sent = sheet.sent[site, i] = model.new_int_var(0, most, "")
            pick = model.new_bool_var("")
            model.add(sent <= most * pick)
            model.add(sent >= pick)
            model.add_implication(pick, begun)
            count = 0 if hint is None else hint.get(i, 0)
            model.add_hint(sent, count)
            model.add_hint(pick, count > 0)
            picked.append(pick)
            weight.append((sent, need.weight))
            heaviest += need.weight * most
            self.units.setdefault((need.sku, site), []).append(sent)
            self.cost.append((pick, ground.pick[site]))
        model.add_bool_or([*picked, begun.negated()])
        self.places.setdefault(site, []).append(begun)
        if ground.is_store[site] and one.minimum_pick:
            _only_if(model.add(self._value(one, sheet, site) >= one.minimum_pick), begun)
        return self._price(one, site, begun, weight, heaviest)

    def _price(self, one: Enumerator, site: int, begun: IntVar, weight: list[tuple[IntVar, int]], heaviest: int) -> bool:
        classes = price_classes(one, site, heaviest)
        if len(classes) > _CLASSES:
            return False
        pack = one.quote.begun(site)
        if len(classes) == 1:
            self.cost.append((begun, pack + classes[0][2]))
            return True
        model = self.model
        within = [model.new_bool_var("") for _ in classes]
        model.add(_total(within) == begun)
        grams = _weighted([sent for sent, _ in weight], [grams for _, grams in weight])
        model.add(grams <= _weighted(within, [most for _, most, _ in classes]))
        model.add(grams >= _weighted(within, [least for least, _, _ in classes]))
        self.cost += [(variable, pack + price) for variable, (_, _, price) in zip(within, classes, strict=True)]
        return True

    def _value(self, one: Enumerator, sheet: _Sheet, site: int) -> Any:
        mine = [(sent, one.job.needs[i].value) for (where, i), sent in sheet.sent.items() if where == site]
        return _weighted([sent for sent, _ in mine], [value for _, value in mine])

    def _job(self, one: Enumerator, sheet: _Sheet, hint: Way) -> None:
        model, rules, lacking = self.model, one.ground.rules, one.ground.objective.lacking
        begun = list(sheet.begun.values())
        most = one.most
        if len(begun) > most:
            model.add(_total(begun) <= most)
        if rules.splitting.least_value and len(begun) > 1:
            split = model.new_bool_var("")
            model.add_hint(split, len(hint.parts) > 1)
            _only_if(model.add(_total(begun) <= 1), split.negated())
            for site, variable in sheet.begun.items():
                _only_if(model.add(self._value(one, sheet, site) >= rules.splitting.least_value), variable, split)
        for i, need in enumerate(one.job.needs):
            sent = [variable for (_, which), variable in sheet.sent.items() if which == i]
            self.constant += lacking * need.quantity
            self.cost += [(variable, -lacking) for variable in sent]
            if sent:
                model.add(_total(sent) <= need.quantity)

    def finish(self) -> None:
        model = self.model
        for site, variables in self.places.items():
            if len(variables) > self.left.places[site]:
                model.add(_total(variables) <= int(self.left.places[site]))
        for (sku, site), variables in self.units.items():
            model.add(_total(variables) <= int(self.left.row(sku)[site]))
        weighted = _weighted([one for one, _ in self.cost], [cost for _, cost in self.cost])
        model.minimize(weighted + self.constant)


def price_classes(one: Enumerator, site: int, heaviest: int) -> list[tuple[int, int, int]]:
    """(from, to, price) in grams: every weight of a parcel up to the heaviest, where the price changes."""
    edges = set(range(1000, heaviest, 1000)) | {heaviest}
    for t in one.quote.takes:
        box = one.ground.network.tariffs[t].service.max_weight
        edges |= set(range(box, heaviest, box))
    # What weighs nothing begins no kilogram.
    found = [(0, 0, one.quote.price(site, 0))]
    low = 1
    for edge in sorted(edges - {0}):
        price = one.quote.price(site, edge)
        if found[-1][2] == price:
            found[-1] = (found[-1][0], edge, price)
        else:
            found.append((low, edge, price))
        low = edge + 1
    return found


def exactly(
    them: Sequence[Enumerator], current: Sequence[Way], left: Left, *, seconds: float, effort: float, seed: int
) -> Answer | None:
    """The best for these jobs of all that is allowed; None where the model would be too large."""
    exact = _Exact(left)
    sheets: list[_Sheet] = []
    for one, now in zip(them, current, strict=True):
        sheet = exact.add(one, now)
        if sheet is None:
            return None
        sheets.append(sheet)
    exact.finish()
    solver, found, optimal = _run(exact.model, seconds=seconds, effort=effort, seed=seed)
    if not found:
        return Answer(None, None, optimal=False)
    ways = tuple(one.way(_parts(solver, sheet)) for one, sheet in zip(them, sheets, strict=True))
    return Answer(ways, _bound(solver), optimal)


def _parts(solver: CpSolver, sheet: _Sheet) -> list[Part]:
    content: dict[int, list[tuple[int, int]]] = {}
    for (site, i), variable in sheet.sent.items():
        units = solver.value(variable)
        if units:
            content.setdefault(site, []).append((i, units))
    return [(site, tuple(sorted(sends))) for site, sends in sorted(content.items())]
