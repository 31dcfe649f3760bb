"""The bare route that availability is compared with: one primary-key select over the same pool, driver and server."""

from __future__ import annotations

import gc
import os
import sys
from uuid import UUID

import msgspec
import uvicorn
from litestar import Litestar, Response, get

from comptoir.runtime.database import Database

database = Database(os.environ["DATABASE_URL"])
_location: list[UUID] = []
_encode = msgspec.json.Encoder().encode


@get("/bare/{sku:str}")
async def bare(sku: str) -> Response[bytes]:
    async with database.read() as reader:
        row = await reader.row(
            "SELECT on_hand, reserved FROM inventory.levels WHERE sku = %(sku)s AND location_id = %(location)s",
            {"sku": sku, "location": _location[0]},
        )
    assert row is not None
    return Response(_encode({"sku": sku, "on_hand": row[0], "reserved": row[1]}), media_type="application/json")


@get("/healthz")
async def healthz() -> str:
    return "ok"


async def start() -> None:
    await database.open()
    async with database.read() as reader:
        _location.append(await reader.value("SELECT id FROM locations.locations ORDER BY code LIMIT 1"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


app = Litestar([bare, healthz], on_startup=[start], on_shutdown=[database.close], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
