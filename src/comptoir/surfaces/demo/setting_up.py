"""The process that sets the demo up: `python -m comptoir.surfaces.demo.setting_up`, with DATABASE_URL."""

from __future__ import annotations

import asyncio
import sys

from comptoir.runtime.database import Database
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.exits import ending
from comptoir.surfaces.demo.running import set_up


async def _set_up(url: str) -> None:
    async with Database(url, max_connections=2, application="comptoir-demo") as database:
        await set_up(database)


def main() -> int:
    url = Settings.load().database_url
    assert url is not None, "whoever starts this process says which database it is"
    return ending(lambda: asyncio.run(_set_up(url)), verbose=False)


if __name__ == "__main__":
    sys.exit(main())
