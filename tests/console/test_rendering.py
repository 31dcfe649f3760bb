from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from comptoir.i18n import gettext, ngettext
from comptoir.kernel.money import Currency, Money
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.rendering import (
    STATIC,
    TEMPLATES,
    Page,
    User,
    asset,
    environment,
    icon,
    reading,
    render,
    render_error,
)
from comptoir.surfaces.console.states import STATES, state_of
from support.gallery import HOSTILE, screens

NOW = datetime(2026, 3, 3, 20, 2, 11, tzinfo=UTC)
NARROW, HARD = "\u202f", "\u00a0"


def tool(name: str) -> ModuleType:
    """A script of `tools/`, which is no package and shares a name with ours."""
    file = Path(__file__).resolve().parents[2] / f"tools/{name}.py"
    spec = importlib.util.spec_from_file_location(f"tools_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def say(source: str, locale: str = "en", **context: object) -> str:
    page = Page(
        locale=locale, zone=ZoneInfo("Europe/Paris"), now=NOW, url="/orders?channel=web&after=c1&sort=total", request_id="req_1"
    )
    with reading(page):
        return environment().from_string(source).render(page=page, **context).strip()


@pytest.mark.parametrize(
    ("source", "english", "french"),
    [
        ("{{ 123450 | money('EUR') }}", "€1,234.50", f"1{NARROW}234,50{HARD}€"),
        ("{{ -500 | money('JPY') }}", "−¥500", f"−500{HARD}JPY"),
        ("{{ 1440 | money_compact('USD') }}", "$14.40", f"14,40{HARD}$US"),
        ("{{ 18642050 | money_compact('EUR') }}", "€186.4K", f"186,4{HARD}k{HARD}€"),
        ("{{ 1204331 | quantity }}", "1,204,331", f"1{NARROW}204{NARROW}331"),
        ("{{ 1250 | quantity(weighed=true) }}", "1.250", "1,250"),
        ("{{ -3 | signed }} {{ 3 | signed }} {{ 0 | signed }}", "−3 +3 0", "−3 +3 0"),
        ("{{ 0.1245 | percent }} {{ 0.5 | percent(0) }}", "12.4% 50%", f"12,4{HARD}% 50{HARD}%"),
        ("{{ 12345 | compact }}", "12.3K", f"12,3{HARD}k"),
        ("{{ 0.35 | duration }} {{ 1.24 | duration }}", "350 ms 1.2 sec", f"350{NARROW}ms 1,2{NARROW}s"),
        ("{{ none | money }} {{ none | quantity }} {{ none | date }} {{ none | ago }}", "– – – –", "– – – –"),
    ],
)
def test_values_are_written_as_the_reader_writes_them(source: str, english: str, french: str) -> None:
    assert say(source) == english
    assert say(source, "fr") == french


def test_times_are_those_of_the_readers_zone() -> None:
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    assert say("{{ at | datetime }}", at=late) == "Mar 4, 2026, 00:30"
    assert say("{{ at | datetime }}", "fr", at=late) == "4 mars 2026, 00:30"
    assert say("{{ at | date }} {{ at | time(seconds=true) }}", at=late) == "Mar 4, 2026 00:30:00"
    assert say("{{ day | date }}", "fr", day=date(2026, 8, 1)) == "1 août 2026"


def test_what_was_just_now_is_said_as_ago_and_what_is_older_as_its_date() -> None:
    assert say("{{ at | ago }}", at=NOW - timedelta(minutes=3)) == "3 minutes ago"
    assert say("{{ at | ago }}", "fr", at=NOW - timedelta(minutes=3)) == "il y a 3 minutes"
    assert say("{{ at | ago }}", at=NOW - timedelta(days=2)) == "Mar 1, 2026, 21:02"


def test_money_is_taken_as_a_value_or_as_minor_units_with_a_currency_and_never_without() -> None:
    assert say("{{ m | money }}", m=Money(1999, Currency("USD"))) == "$19.99"
    with pytest.raises(ValueError, match="needs its currency"):
        formatting.money(1999, None, "en")
    assert formatting.number(Decimal("1.005"), "en", 2) == "1.00"


def test_one_compiled_template_serves_every_language() -> None:
    template = environment().from_string("{{ _('Orders') }} {{ 1450 | money('EUR') }}")
    written: list[str] = []
    for locale in ("en", "fr", "en"):
        with reading(Page(locale=locale)):
            written.append(template.render())
    assert written == ["Orders €14.50", f"Commandes 14,50{HARD}€", "Orders €14.50"]


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("name", list(screens("en")))
def test_every_screen_renders_and_holds_nothing_inline(locale: str, name: str) -> None:
    html = screens(locale)[name]()
    assert f'<html lang="{locale}"' in html
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", html.replace(HOSTILE, ""))
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_hostile_values_come_out_as_text_wherever_they_go() -> None:
    calls = [
        "{{ ui.field('a', x, x, help=x, error=x, attrs={'placeholder': x}) }}",
        "{{ ui.text_area('a', x, x) }}",
        "{{ ui.badge(x) }}{{ ui.state(x) }}",
        "{{ ui.select('a', x, [(x, x)], x) }}",
        "{{ ui.page_header(x, x, [(x, '/')]) }}",
        "{{ ui.stat_tile(x, x, x) }}",
        "{{ ui.timeline([{'at': page.now, 'what': x, 'who': x, 'detail': x}]) }}",
        "{{ ui.definitions([(x, x)]) }}",
        "{{ ui.filter_chips([(x, x, 'q')]) }}",
        "{{ ui.chart('c', x, x, {'kind': 'bar', 'labels': [x], 'series': [{'name': x, 'values': [1]}]}) }}",
        (
            "{% set p = {'name': x, 'lon': 1, 'lat': 1, 'value': 1, 'tone': '', 'href': '', 'words': x} %}"
            "{{ ui.map('m', x, x, {'map': 'us', 'points': [p]}) }}"
        ),
        "{% call(row, key) ui.data_table([x], [column('k', x, sort=true)], x) %}{{ row }}{% endcall %}",
        "{{ ui.toast(x, detail=x) }}",
        "{{ ui.confirm_dialog('d', x, x, '/', x, values={'a': x}) }}",
        "{{ ui.segments([(x, 1, 'strong')], label=x) }}",
        "{{ ui.empty_state(x, x) }}",
    ]
    for call in calls:
        html = say(call, x=HOSTILE)
        assert "<script>document" not in html, call
        assert "<img" not in html, call
        assert "\\\"'" not in html, call


def test_a_template_that_is_not_given_what_it_asks_for_says_so() -> None:
    with pytest.raises(UndefinedError):
        say("{{ missing }}")


def test_an_address_changes_one_thing_and_a_new_filter_starts_at_the_first_page() -> None:
    page = Page(url="/orders?channel=web&after=c1&sort=total")
    assert page.href(sort="-total") == "/orders?channel=web&sort=-total"
    assert page.href(after="c2") == "/orders?channel=web&after=c2&sort=total"
    assert page.href(channel=None) == "/orders?sort=total"
    assert page.language_href("fr").startswith("/preferences/language?to=fr&next=%2Forders")


def test_a_sorted_column_says_how_and_its_link_turns_it_round() -> None:
    source = "{% call(row, key) ui.data_table([], [column('total', 'Total', 'number', sort=true)], 'T', sort=s) %}{% endcall %}"
    ascending = say(source, s="total")
    assert 'aria-sort="ascending"' in ascending
    assert "sort=-total" in ascending
    assert 'aria-sort="descending"' in say(source, s="-total")
    assert "aria-sort" not in say(source, s="")


def test_a_field_keeps_what_was_typed_but_never_a_password() -> None:
    assert 'value="abc"' in say("{{ ui.field('a', 'A', 'abc', error='No') }}")
    assert 'aria-invalid="true"' in say("{{ ui.field('a', 'A', 'abc', error='No') }}")
    assert "abc" not in say("{{ ui.field('a', 'A', 'abc', type='password') }}")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("locale", ["en", "fr"])
def test_an_error_page_says_what_was_kept_and_what_to_do_and_gives_the_request_id(status: int, locale: str) -> None:
    html = render_error(Page(locale=locale, request_id="req_77", user=User("A B", "a@b.c", "x")), status, detail="<i>why</i>")
    assert gettext(locale, "What was kept") in html
    assert gettext(locale, "What to do") in html
    assert "req_77" in html
    assert "&lt;i&gt;why" in html


def test_every_state_has_an_icon_of_the_sprite_and_an_unknown_one_shows_its_code() -> None:
    for state in STATES.values():
        assert icon(state.icon)
    assert state_of("in_limbo").word == "in limbo"
    assert say("{{ ui.state('reserved') }}", "fr").endswith("Réservée</span>")
    with pytest.raises(KeyError, match=r"add it to ICONS"):
        icon("no-such-icon")


def test_initials_are_of_the_first_and_the_last_name() -> None:
    assert [User(name, "", "").initials for name in ("Dana Whitfield", "Ana de la Cruz", "Zoé", "")] == ["DW", "AC", "Z", "?"]


def test_an_assets_address_changes_with_its_contents() -> None:
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{12}", asset("app.css"))


def test_python_code_gets_its_words_too() -> None:
    assert gettext("fr_CA", "Remove the filter %(label)s", label="x") == "Retirer le filtre x"
    assert gettext("de", "Orders") == "Orders"
    assert ngettext("en", "%(num)s order", "%(num)s orders", 2) == "2 orders"


def test_every_text_has_its_french_and_every_french_text_is_said() -> None:
    problems: Callable[[], list[str]] = tool("i18n").problems
    assert problems() == []


def test_french_keeps_a_narrow_space_before_double_punctuation() -> None:
    words = (Path(__file__).resolve().parents[2] / "src/comptoir/i18n/fr/LC_MESSAGES").glob("*.po")
    texts = [
        line
        for file in words
        for line in re.findall(r'^msgstr(?:\[\d\])? "(.*)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert [text for text in texts if re.search(r"[^\u202f][;!?»](?:\s|$)|[^\u202f]:\s|«[^\u202f]", text)] == []


def test_the_vendored_files_are_those_of_the_manifest_and_small() -> None:
    differences: Callable[[], list[str]] = tool("vendor").differences
    assert differences() == []
    assert sum(file.stat().st_size for file in (STATIC / "vendor").rglob("*") if file.is_file()) < 3_000_000


def test_templates_ask_for_nothing_from_elsewhere() -> None:
    for file in [*TEMPLATES.rglob("*.html"), STATIC / "app.css", STATIC / "app.js", STATIC / "theme.js"]:
        outside = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}", file.read_text(encoding="utf-8")))
        assert outside <= {"http://www.w3.org"}, file


def test_render_gives_the_fragment_that_the_page_includes() -> None:
    values = {"orders": list[object]()}
    html = render("gallery/_orders.html", Page(url="/orders"), **values)
    assert html.lstrip().startswith('<div class="card sticky">')
