from __future__ import annotations

import pytest

from comptoir.surfaces.documents.rendering import LibraryMissing, Printer


@pytest.fixture(scope="session")
def printer() -> Printer:
    """Prints in this process; how it is done in another one is tested in test_documents_press."""
    try:
        return Printer()
    except LibraryMissing as missing:
        pytest.skip(f"tools/pango.sh brings what PDFs need: {missing}")
