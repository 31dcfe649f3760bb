"""What somebody wants imported, in a form that a run remembers and a job can be given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from comptoir.connectors.orderlayouts import ORDER_LAYOUTS
from comptoir.modules.imports.contracts import ImportKind, Run, RunDraft
from comptoir.sdk.tabular import Options, UnreadableFile

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """A file (or several that belong together), how to read it and what to do with it."""

    kind: ImportKind
    files: tuple[str, ...]
    names: tuple[str, ...] = ()
    """See `file_names`; empty: as the paths say."""
    options: Options = field(default_factory=Options)
    layout: str = ""
    """Of a file of orders; empty: by its header."""
    channel: str = ""
    """Whose orders they are; empty: a channel called as the layout."""
    create_products: bool | None = None
    """Whether SKUs that the catalogue does not know become products; None: as the layout usually needs it."""
    moves_stock: bool = False
    """Whether what the file's orders have shipped is taken off stock. History whose stock has been counted since is not."""
    market: str = ""
    """Of a channel that is made, and of prices in a file of products; empty: the one market with the currency."""
    dry_run: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(Path(file) for file in self.files)

    @property
    def file_names(self) -> Sequence[str]:
        """What the files are called where they came from."""
        return self.names or [path.name for path in self.paths]

    @property
    def title(self) -> str:
        return " + ".join(self.file_names)

    def to_json(self) -> Mapping[str, object]:
        return cast("Mapping[str, object]", msgspec.to_builtins(self))

    def draft(self, file_hash: str) -> RunDraft:
        return RunDraft(
            kind=self.kind,
            file_name=self.title,
            file_hash=file_hash,
            layout=self.layout,
            options=self.to_json(),
            dry_run=self.dry_run,
        )


def request_of(run: Run) -> ImportRequest:
    """What the run was asked to do."""
    return msgspec.convert(run.options, ImportRequest)


def order_layouts() -> tuple[str, ...]:
    """The names of the layouts of files of orders."""
    return tuple(layout.name for layout in ORDER_LAYOUTS)


def hash_of(paths: Sequence[Path]) -> str:
    """Tells the content of these files from any other. Raises UnreadableFile."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
        except OSError as problem:
            raise UnreadableFile(f"{path.name}: {problem.strerror}", advice="Check the path and the permissions.") from problem
        digest.update(b"\0end of file\0")
    return digest.hexdigest()
