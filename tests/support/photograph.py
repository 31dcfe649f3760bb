"""Serve the console's gallery and mock screens with made-up values, or photograph them.

`python tests/support/photograph.py` serves; with a folder it writes a picture of every screen there, or of those that are
named after it.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.browser import chromium, photograph, serve
from support.gallery import screens

WIDTHS = {"wide": 1440, "phone": 390}


def main() -> None:
    with serve() as address:
        if len(sys.argv) < 2:
            sys.stdout.write(f"{address}/live/en/light and so on: {', '.join(screens('en'))}; Ctrl-C stops\n")
            threading.Event().wait()
            return
        executable = chromium()
        if executable is None:
            sys.exit("no Chromium on this machine")
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        only = set(sys.argv[2:])
        photograph(
            executable,
            [
                (f"{address}/{screen}/{language}/{theme}", width, folder / f"{screen}-{language}-{theme}-{name}.png")
                for screen in screens("en")
                if not only or screen in only
                for name, width in WIDTHS.items()
                for language, theme in (("en", "light"), ("fr", "dark"))
            ],
        )


if __name__ == "__main__":
    main()
