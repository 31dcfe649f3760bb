"""The words on screen in the reader's language.

English is the source text. Every `.po` file in `<language>/LC_MESSAGES/` is part of that language's catalogue, so that the
pages of one part can keep theirs in a file of their own. They are compiled in memory when first asked for; `tools/i18n.py`
keeps them.
"""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fr")
FOLDER = Path(__file__).parent


def language(locale: str) -> str:
    """The language of a locale such as `fr_CA` that we have words for; English when we have none."""
    code = locale.replace("-", "_").partition("_")[0].lower()
    return code if code in LANGUAGES else "en"


def N_(msgid: str) -> str:  # noqa: N802 - the usual name of the mark that the extractor looks for
    """Marks a text for translation where it is written; it is translated where it is shown."""
    return msgid


def NP_(context: str, msgid: str) -> str:  # noqa: N802 - as N_
    """Marks a text that needs its context to be translated: an order is `Réservée`, stock is `Réservé`."""
    del context
    return msgid


def catalogue(code: str) -> Catalog:
    """Every message of a language, from all its files. Raises ValueError when two files translate one message differently."""
    merged = Catalog(locale=code)
    for file in sorted((FOLDER / code / "LC_MESSAGES").glob("*.po")):
        with file.open("rb") as source:
            part = read_po(source, locale=code)
        for message in part:
            if not message.id:
                continue
            known = merged.get(message.id, message.context)
            if known is not None and known.string != message.string:
                raise ValueError(f"{file.name} translates {message.id!r} unlike another file does")
            merged.add(message.id, message.string, message.locations, flags=message.flags, context=message.context)
    return merged


@lru_cache(maxsize=len(LANGUAGES))
def translations(code: str) -> NullTranslations:
    """The compiled catalogue of a language."""
    if code == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(locale: str, msgid: str, **values: object) -> str:
    """The text in the locale's language with its `%(name)s` filled in; a literal percent sign is written `%%`."""
    return translations(language(locale)).gettext(msgid) % values


def ngettext(locale: str, singular: str, plural: str, number: int, **values: object) -> str:
    """As `gettext`, in the form that the number asks for; the number itself is `%(num)s`."""
    return translations(language(locale)).ngettext(singular, plural, number) % {"num": number, **values}
