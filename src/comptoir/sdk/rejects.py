"""Rejected rows as a file that can be corrected and imported again.

It has the original columns, then `comptoir_line`, `comptoir_reason` and `comptoir_advice`, which are not read back.

Cells are written as they came, also those that begin with = + - or @, which a spreadsheet may take for formulas: the usual
guard, an apostrophe before them, would change the data on the way back (-5 units, +33… telephone numbers, @handles). The file
goes to whoever made the original, so it shows them nothing that they have not written.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from comptoir.sdk.orderfiles import RejectedRow
from comptoir.sdk.tabular import OWN_COLUMNS

COLUMNS = (f"{OWN_COLUMNS}line", f"{OWN_COLUMNS}reason", f"{OWN_COLUMNS}advice")


class RejectWriter:
    """Writes rejected rows of one file: UTF-8 with a mark (Excel needs it), all cells quoted, so that nothing is guessed.

    The file is made with the first row; `count` is 0 and there is no file when nothing was rejected. After a crash, `append`
    continues the file that is there.
    """

    def __init__(self, path: Path | str, header: Sequence[str], *, separator: str = ",", append: bool = False) -> None:
        self.path = Path(path)
        self.count = 0
        self._header = tuple(header)
        self._separator = separator or ","
        self._append = append and self.path.exists()
        self._file = None
        self._rows = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: RejectedRow) -> None:
        if self._rows is None:
            self._file = self.path.open(
                "a" if self._append else "w", encoding="utf-8" if self._append else "utf-8-sig", newline=""
            )
            self._rows = csv.writer(self._file, delimiter=self._separator, quoting=csv.QUOTE_ALL)
            if not self._append:
                self._rows.writerow([*self._header, *COLUMNS])
        remarks = [row.row.line, f"{row.reason} ({row.code})", row.advice]
        self._rows.writerow([*(row.cells.get(name, "") for name in self._header), *remarks])
        self.count += 1

    def flush(self) -> None:
        """Hand what was written to the operating system, before the position that it belongs to is saved."""
        if self._file is not None:
            self._file.flush()
