"""Keep the words in step: `python tools/i18n.py` checks, `update [--into FILE] [--under PATH]` writes what is missing.

`update` drops what nothing says any more, and adds what is new to FILE (default `comptoir.po`) with an empty translation.
`--under` takes only what is said under that path of `src/comptoir`, for those who write one part.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from comptoir import i18n

SOURCE = Path(__file__).resolve().parents[1] / "src/comptoir"
IN_PYTHON = {"gettext": (2,), "says": (1, 2), "N_": None, "NP_": ((1, "c"), 2)}
"""What is read in Python: `gettext` has the reader's locale first, see comptoir.i18n; `says` is a console visit's plural."""
UNCHANGING = datetime(2026, 1, 1, tzinfo=UTC)
"""The date in the headers: a real one would make a difference between two files that say the same."""
TEMPLATE_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def empty(language: str | None = None) -> Catalog:
    comment = "# The words of Comptoir. Kept by tools/i18n.py."
    return Catalog(
        locale=language,
        project="Comptoir",
        charset="utf-8",
        header_comment=comment,
        creation_date=UNCHANGING,
        revision_date=UNCHANGING,
        fuzzy=False,
    )


def extracted(under: str = "") -> Catalog:
    """Everything that the code and the templates say."""
    catalog = empty()
    passes = [
        extract_from_dir(SOURCE, [("**.py", "python")], {}, keywords=IN_PYTHON),
        extract_from_dir(SOURCE, [("**/templates/**.html", "jinja2")], TEMPLATE_OPTIONS, keywords=DEFAULT_KEYWORDS),
    ]
    for found in passes:
        for file, line, message, _comments, context in found:
            if file.startswith(under):
                catalog.add(message, locations=[(file, line)], context=context)
    return catalog


def problems(language: str = "fr") -> list[str]:
    """What is missing, fuzzy or said by nobody in a language, in sentences."""
    source, words = extracted(), i18n.catalogue(language)
    result: list[str] = []
    for message in source:
        if not message.id:
            continue
        known = words.get(message.id, message.context)
        texts = () if known is None else known.string if isinstance(known.string, tuple) else (known.string,)
        if known is None or not all(texts):
            result.append(f"{language}: {message.id!r} is not translated ({message.locations[0][0]}:{message.locations[0][1]})")
        elif known.fuzzy:
            result.append(f"{language}: {message.id!r} is fuzzy")
        else:
            result.extend(f"{language}: {message.id!r}: {problem}" for problem in known.check())
    unsaid = [message.id for message in words if message.id and source.get(message.id, message.context) is None]
    return result + [f"{language}: nothing says {text!r} any more" for text in unsaid]


def read(file: Path, language: str) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, locale=language)


def save(file: Path, catalog: Catalog) -> None:
    with file.open("wb") as target:
        write_po(target, catalog, width=128, omit_header=False, sort_by_file=False, include_lineno=False)


def update(language: str, into: str, under: str) -> None:
    folder = i18n.FOLDER / language / "LC_MESSAGES"
    source = extracted()
    known: set[tuple[object, str | None]] = set()
    target = empty(language)
    for file in {*folder.glob("*.po"), folder / into}:
        kept = empty(language)
        for message in read(file, language) if file.is_file() else ():
            here = source.get(message.id, message.context) if message.id else None
            if here is not None:
                kept.add(message.id, message.string, locations=here.locations, context=message.context)
                known.add((message.id, message.context))
        if file.name == into:
            target = kept
        else:
            save(file, kept)
    for message in extracted(under):
        if message.id and (message.id, message.context) not in known:
            target.add(message.id, locations=message.locations, context=message.context)
    save(folder / into, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["check", "update"], default="check")
    parser.add_argument("--into", default="comptoir.po")
    parser.add_argument("--under", default="")
    wanted = parser.parse_args()
    if wanted.what == "update":
        update("fr", wanted.into, wanted.under)
    found = problems()
    print("\n".join(found) or "every text has its translation")
    sys.exit(bool(found))
