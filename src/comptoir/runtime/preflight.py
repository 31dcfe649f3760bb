"""Preflight: is that PostgreSQL server fit for Comptoir? Answered before anything else touches it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

from comptoir.kernel.errors import Fault, Remedy

OLDEST_MAJOR = 18
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")
CONNECT_WITHIN = 10


class DatabaseNotReady(Fault):
    """The server cannot be used as it is. `data` has the `reasons`, a sentence each, and the `kind` of the first one."""

    code = "database_not_ready"


@dataclass(frozen=True)
class ServerFacts:
    """What `shortcomings` judges."""

    version: int
    """As PostgreSQL counts: 180006 is 18.6."""
    encoding: str
    may_create: bool
    """A schema in this database."""
    read_only: bool
    missing_extensions: Sequence[str]
    """Neither installed nor available on the server."""
    forbidden_extensions: Sequence[str]
    """Available, not installed, and this role may not install them."""


async def check_server(url: str) -> None:
    """Raises DatabaseNotReady, with everything that is wrong, unless Comptoir can work there."""
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_WITHIN) as connection:
            cursor = connection.cursor(row_factory=class_row(ServerFacts))
            facts = await (await cursor.execute(_FACTS, {"extensions": list(EXTENSIONS)})).fetchone()
    except psycopg.ProgrammingError as problem:  # libpq does not understand the address; what it says may quote the password
        reason = "DATABASE_URL is not of the form postgresql://user:password@host:port/database."
        raise _not_ready("address", [reason]) from problem
    except psycopg.OperationalError as problem:
        raise _no_connection(url, str(problem).strip()) from problem
    assert facts is not None
    wrong = shortcomings(facts)
    if wrong:
        raise _not_ready(next(iter(wrong)), list(wrong.values()))


_FACTS = """
SELECT current_setting('server_version_num')::int AS version,
       pg_encoding_to_char(d.encoding) AS encoding,
       has_database_privilege(d.oid, 'CREATE') AS may_create,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
       ARRAY(SELECT name FROM unnest(%(extensions)s::text[]) AS name
              WHERE name NOT IN (SELECT a.name FROM pg_available_extensions a)) AS missing_extensions,
       ARRAY(SELECT a.name::text
               FROM pg_available_extensions a
               JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
              WHERE a.name = ANY (%(extensions)s::text[])
                AND a.installed_version IS NULL
                AND NOT (r.rolsuper OR v.trusted AND has_database_privilege(d.oid, 'CREATE'))
              ORDER BY a.name) AS forbidden_extensions
  FROM pg_database d, pg_roles r
 WHERE d.datname = current_database() AND r.rolname = current_user
"""


def shortcomings(facts: ServerFacts) -> dict[str, str]:
    """What is wrong with the server, by kind, in sentences that say what to do."""
    wrong: dict[str, str] = {}
    major, minor = divmod(facts.version, 10_000)
    if major < OLDEST_MAJOR:
        wrong["version"] = f"The server is PostgreSQL {major}.{minor}; Comptoir needs {OLDEST_MAJOR} or newer: upgrade it."
    if facts.encoding != "UTF8":
        wrong["encoding"] = (
            f"The database is encoded in {facts.encoding}: create one with ENCODING 'UTF8' TEMPLATE template0, and use that."
        )
    if facts.read_only:
        wrong["read_only"] = "The server only lets read, perhaps because it is a standby: point DATABASE_URL at the primary."
    if not facts.may_create:
        wrong["rights"] = "This role may not create schemas: GRANT CREATE ON DATABASE to it, or make it the owner."
    if facts.missing_extensions:
        names = ", ".join(facts.missing_extensions)
        wrong["extensions_missing"] = f"The server lacks the extensions {names}: install PostgreSQL's contrib package there."
    if facts.forbidden_extensions:
        names = ", ".join(facts.forbidden_extensions)
        wrong["extensions_forbidden"] = f"This role may not install the extensions {names}: have an administrator create them."
    return wrong


# The server says why in words only, and in its own language; what is not recognised is passed on as it is.
_REFUSALS: tuple[tuple[str, str, str, Remedy], ...] = (
    (
        "password",
        r"password authentication failed|no password supplied|authentification par mot de passe",
        "The password for {user} is wrong or missing.",
        Remedy.MERCHANT,
    ),
    ("no_role", r"role .* does not exist|rôle .* n'existe pas", "The server knows no role {user}: create it.", Remedy.MERCHANT),
    (
        "no_database",
        r"database .* does not exist|base de données .* n'existe pas",
        "The server has no database {database}: create it, for instance with createdb.",
        Remedy.MERCHANT,
    ),
    ("not_allowed", r"pg_hba\.conf|SSL", "The server does not accept {user} from this machine in this way.", Remedy.MERCHANT),
    ("busy", r"too many (clients|connections)|connection slots", "The server has no connection to spare.", Remedy.WAIT),
    ("starting", r"starting up|shutting down|recovery", "The server is starting or stopping.", Remedy.WAIT),
    (
        "no_server",
        r"refused|No such file|resolve|timeout|timed out|unreachable|No route",
        "No PostgreSQL answers at {host}: is it running, and is the address right?",
        Remedy.MERCHANT,
    ),
)


def _no_connection(url: str, said: str) -> DatabaseNotReady:
    where: dict[str, Any] = conninfo_to_dict(url)
    user = where.get("user", "the default user")
    names = {"user": user, "database": where.get("dbname", user), "host": where.get("host", "the default socket")}
    for kind, sign, sentence, remedy in _REFUSALS:
        if re.search(sign, said):
            return _not_ready(kind, [f"{sentence.format_map(names)} It said: {said}"], remedy)
    return _not_ready("connection", [f"Connecting to {names['host']} failed. It said: {said}"])


def _not_ready(kind: str, reasons: list[str], remedy: Remedy = Remedy.MERCHANT) -> DatabaseNotReady:
    return DatabaseNotReady(" ".join(reasons), remedy=remedy, kind=kind, reasons=reasons)
