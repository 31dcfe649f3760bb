"""Every action that the audit trail can hold has its words: what is recorded is read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import comptoir
from comptoir.modules.staff import api as staff
from comptoir.surfaces.console import visits
from comptoir.surfaces.console.pages import (
    imports,
    lots,
    order_acts,
    purchase_acts,
    return_goods,
    return_page,
    settings_system,
    settings_webhooks,
    stock_acts,
    store_arrange,
    store_back,
    store_collect,
    store_sending,
    supplies,
    transfer_steps,
)
from comptoir.surfaces.console.pages.audit_words import ACTIONS, GROUPS

SOURCE = Path(comptoir.__file__).parent
PASSES_ON = {Path(staff.__file__), Path(visits.__file__)}
"""Where `record` itself is written, which is given its action by whoever calls it."""
OTHERS = {"inventory", "orders", "payments", "routing", "api", "store", "store_log"}
"""Whose `record` is about something else: stock, facts, money, decisions, deliveries of webhooks, or the SQL below."""


def _cases(module_file: str | None) -> set[str]:
    """The words of the `case`s in a file: the steps that it takes."""
    assert module_file is not None
    tree = ast.parse(Path(module_file).read_text("utf-8"))
    patterns = [one.value for one in ast.walk(tree) if isinstance(one, ast.MatchValue)]
    return {one.value for one in patterns if isinstance(one, ast.Constant) and isinstance(one.value, str)}


STEPS = {
    "order.": set(order_acts.ACTS),
    "return.": {*return_page.RECORDED, *return_goods.RECORDED},
    "stock.": set(stock_acts.CHANGES),
    "lot.": set(lots.ACTS),
    "fulfilment.": {*store_collect.AUDITED.values(), *store_arrange.STEPS},
    "locker.": set(store_back.STEPS),
    "transfer.": {*transfer_steps._STEPS, *store_sending.AUDITED},
    "supply.": set(supplies._STEPS),
    "purchase.": set(purchase_acts.STEPS),
    "import.": _cases(imports.__file__),
    "webhook.": _cases(settings_webhooks.__file__),
    "event.": _cases(settings_system.__file__),
}
"""What comes after the point where an action is put together of its thing and the name of a step."""


def _recorded() -> dict[str, str]:
    """Every action that something records, with where."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for call, action, inside in _calls(path):
            if path in PASSES_ON and isinstance(action, ast.Name) and action.id == "action":
                continue
            said = set(_values(action, inside))
            assert said, f"{path}:{call.lineno}: nobody can tell which action this records"
            found |= dict.fromkeys(said, f"{path}:{call.lineno}")
    return found


def _calls(path: Path) -> Iterator[tuple[ast.Call, ast.expr, ast.AST]]:
    """The calls of `record(tx, action, subject, …)` with their action and the outermost thing of the file around them."""
    for outer in ast.parse(path.read_text("utf-8")).body:
        for node in ast.walk(outer):
            if isinstance(node, ast.Call) and len(node.args) >= 2 and _is_ours(node.func, path):
                yield node, node.args[1], outer


def _is_ours(func: ast.expr, path: Path) -> bool:
    match func:
        case ast.Name(id="record"):
            return path == Path(staff.__file__)
        case ast.Attribute(value=ast.Name(id=whose), attr="record"):
            return whose not in OTHERS
        case ast.Attribute(attr="record"):
            return True
        case _:
            return False


def _values(action: ast.expr, inside: ast.AST) -> Iterator[str]:
    """What an expression may come to: a text, one of two, a thing with each of its steps, or what a name was given."""
    match action:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _values(body, inside)
            yield from _values(orelse, inside)
        case ast.JoinedStr(values=[ast.Constant(value=str(thing)), ast.FormattedValue()]):
            yield from (f"{thing}{step}" for step in STEPS[thing])
        case ast.Name(id=name):
            for given in _given(name, inside):
                yield from _values(given, inside)
        case _:
            pytest.fail(f"line {action.lineno}: an action of a form that this test does not know")


def _given(name: str, inside: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(inside):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                yield from (
                    value
                    for target, value in zip(targets, values, strict=True)
                    if isinstance(target, ast.Name) and target.id == name
                )
            case _:
                pass


def test_every_action_that_is_recorded_has_words_and_every_word_an_action() -> None:
    recorded = _recorded()
    assert {action: where for action, where in recorded.items() if action not in ACTIONS} == {}
    assert set(ACTIONS) - set(recorded) == set()


def test_every_action_belongs_to_one_group_and_no_two_are_said_alike() -> None:
    for action in ACTIONS:
        assert [group for group in GROUPS if action.startswith(group)] == [f"{action.partition('.')[0]}."]
    assert {group for group in GROUPS if not any(action.startswith(group) for action in ACTIONS)} == set()
    assert len(set(ACTIONS.values())) == len(ACTIONS)
