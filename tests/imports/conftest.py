"""What tests of imports share: the real year, and a way to import a file in one call."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, Run
from comptoir.runtime.database import Context, Database
from comptoir.surfaces.imports import ImportRequest, hash_of, open_importer, run_import

ROOT = Path(__file__).resolve().parents[2]

Import = Callable[..., Awaitable[Run]]


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = (ROOT / os.environ.get("COMPTOIR_SHARED", "../shared")).resolve()
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}: set COMPTOIR_SHARED")
    return folder


@pytest.fixture
def do_import(database: Database) -> Import:
    """Imports a file from beginning to end, as the command does."""

    async def run(kind: ImportKind, *files: Path, **wanted: Any) -> Run:
        request = ImportRequest(kind=kind, files=tuple(map(str, files)), **wanted)
        importer = await open_importer(request)
        async with database.transaction() as tx:
            draft = await imports.create(tx, request.draft(hash_of(request.paths)))
        return await run_import(database, draft.id, importer, Context())

    return run
