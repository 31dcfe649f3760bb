"""Writes docs/reference/ from the code: the API, its errors, the command line and the settings.

`python tools/reference.py` writes, with `--check` it says what is not current. In a process of its own: running a command line
changes what its commands say of themselves.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from cyclopts import App

import comptoir
from comptoir.runtime import settings
from comptoir.surfaces import cli
from comptoir.surfaces.api.openapi import describe
from comptoir.surfaces.api.problems import error_catalogue
from comptoir.surfaces.api.routes import RESOURCES

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def documents() -> dict[str, str]:
    """Each page's text by its file name."""
    _load_everything()
    return {"api.md": _api(), "errors.md": _errors(), "cli.md": _cli(), "settings.md": _settings()}


def _api() -> str:
    document = describe(RESOURCES, "https://comptoir.example")
    paths = cast("Mapping[str, Mapping[str, Any]]", document["paths"])
    by_tag: dict[str, list[str]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                row = f"| `{method.upper()} {path}` | {operation['summary']} | {_scope(operation)} |"
                by_tag.setdefault(operation["tags"][0], []).append(row)
    lines = [
        "# API",
        "",
        "Every operation. A running Comptoir serves the whole description with examples at `/openapi.json`, and as a page at",
        "`/docs`.",
    ]
    for tag, rows in by_tag.items():
        lines += ["", f"## {tag}", "", "| operation | what it does | scope |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _scope(operation: Mapping[str, Any]) -> str:
    found = [scope for entry in operation.get("security", ()) for scopes in entry.values() for scope in scopes]
    return ", ".join(f"`{scope}`" for scope in found)


def _errors() -> str:
    lines = [
        "# Errors",
        "",
        "Every `code` that a problem can have. It is stable; the words around it may change.",
        "",
        "| code | status | title | meaning |",
        "|---|---|---|---|",
    ]
    for entry in error_catalogue():
        meaning = " ".join(entry.description.split()).replace("|", "\\|")
        lines.append(f"| `{entry.code}` | {entry.status} | {entry.title} | {meaning} |")
    return "\n".join(lines) + "\n"


def _cli() -> str:
    parts = ["# Command line", "", inspect.cleandoc(cli._HELP)]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the text of `comptoir --help`
    for name, (target, _) in cli._COMMANDS.items():  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the list of commands
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(f"{cli.__name__}.{module}"), attribute)
        app = command if isinstance(command, App) else _app(name, command)
        text = app.generate_docs(output_format="markdown", heading_level=2)
        text = text.replace(f"comptoir {name} {name}", f"comptoir {name}")
        parts += ["", re.sub(r"\n{3,}", "\n\n", text).strip()]
    return "\n".join(parts) + "\n"


def _app(name: str, command: Any) -> App:
    app = App(name=f"comptoir {name}", help_format="markdown")
    app.default(command)
    return app


def _settings() -> str:
    source = inspect.getsource(settings)
    names = sorted(set(re.findall(r"\"(COMPTOIR_[A-Z_]+|DATABASE_URL)\"", source)))
    lines = [
        "# Settings",
        "",
        "Settings come from the environment. A value that cannot be is told by name at the start.",
        "",
        "| variable | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {_MEANINGS[name]} |" for name in names]
    return "\n".join(lines) + "\n"


_MEANINGS = {
    "COMPTOIR_ALLOW_PRIVATE_HOSTS": "Whether webhooks and calls to carriers may go to private addresses. No by default.",
    "COMPTOIR_DATA": "The data folder: the embedded database, uploads, the secret key. `./.data` by default.",
    "COMPTOIR_HOST": "The address to listen on. `127.0.0.1` by default.",
    "COMPTOIR_KEEP_EVENTS_DAYS": (
        "For how many days events are kept that every consumer has read; with them go the timelines of orders. 0, the default, "
        "keeps them for ever."
    ),
    "COMPTOIR_KEEP_KEYS_DAYS": "For how many days the answer to an Idempotency-Key is kept. 30 by default.",
    "COMPTOIR_LOG": "`text` or `json`.",
    "COMPTOIR_LOG_LEVEL": "`debug`, `info`, `warning`, `error` or `critical`.",
    "COMPTOIR_METRICS_HOST": "The address at which `comptoir worker` shows its figures. `127.0.0.1` by default.",
    "COMPTOIR_METRICS_PORT": "The port at which `comptoir worker` shows its figures, at `/metrics`. None by default.",
    "COMPTOIR_PORT": "The port to listen on. 8000 by default.",
    "COMPTOIR_THIRD_PARTY_HOURS": (
        "After how many hours a third party that has not answered whether it could stop is taken to have stopped: the units "
        "are free then. 0 by default: a person says what it did."
    ),
    "COMPTOIR_PROMISES_KEPT": (
        "Per cent of the parcels that are to come when it was promised, 98 by default. So many days are added to dates as were "
        "measured to be needed for that location and that carrier, at most three from each; 0 adds none."
    ),
    "COMPTOIR_PUBLIC_URL": "The address that people and programs reach Comptoir at.",
    "COMPTOIR_REFUND_ANYHOW": (
        "Methods, with commas between them (`cash, bank transfer`), by which may be refunded what was paid another way. None "
        "by default: money goes back as it was paid, to a gift card, or as store credit."
    ),
    "COMPTOIR_SECRET_KEY": "At least 32 characters that sign and encrypt. Without it a key is made in the data folder.",
    "COMPTOIR_SECURE_COOKIES": "Whether cookies are sent over https only. Yes when the public URL is https.",
    "COMPTOIR_SMTP_HOST": "The server that takes our e-mail. Without it none is sent, and what buyers should be told waits.",
    "COMPTOIR_SMTP_PASSWORD": "The password for it.",
    "COMPTOIR_SMTP_PORT": "Its port. 587 by default.",
    "COMPTOIR_SMTP_SECURITY": (
        "`starttls` (the default), `tls` from the first byte (port 465), or `none`, which is for a server on this machine only."
    ),
    "COMPTOIR_SMTP_USER": "The user whom it knows us as. None by default.",
    "COMPTOIR_TEXTS": (
        "What messages to telephones go out through. `none`, the default, refuses them; `log` only says in the log that "
        "there was one, for development."
    ),
    "COMPTOIR_WEB_PROCESSES": "How many web processes run. 1 by default.",
    "DATABASE_URL": "A PostgreSQL 18 or newer to use instead of the embedded one.",
}


def _load_everything() -> None:
    """The catalogue of errors is every refusal that has been imported: import them all, so that it is the same everywhere."""
    for found in pkgutil.walk_packages(comptoir.__path__, "comptoir."):
        if not found.name.startswith("comptoir.migrations"):
            importlib.import_module(found.name)


def main(arguments: list[str]) -> int:
    written = documents()
    if "--check" in arguments:
        stale = [name for name, text in written.items() if (FOLDER / name).read_text() != text]
        sys.stdout.write("".join(f"{name} is not what the code says\n" for name in stale))
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
