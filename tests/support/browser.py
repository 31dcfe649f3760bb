"""A real browser for tests that look at pages; they skip by name where there is no Chromium. Also a server for the gallery."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import shutil
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY, STATIC, STATIC_URL
from support.gallery import screens

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """The Chromium of this machine, if it has one."""
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@asynccontextmanager
async def open_browser(executable: str) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            yield running
        finally:
            await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window, one per worker."""
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium on this machine: looked for chromium, chromium-browser and google-chrome")
    async with open_browser(executable) as running:
        yield running


async def drawn(page: Page) -> None:
    """Returns when every chart of the page has been drawn."""
    await expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)


class Axe:
    """All rules, as the library of that name runs them; only what is wrong comes back, and a page is given the script once."""

    async def run(self, page: Page) -> AxeResults:
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE_SCRIPT)
        found: str = await page.evaluate(
            "axe.run({resultTypes: ['violations']}).then((results) => JSON.stringify(results.violations))"
        )
        return AxeResults({"violations": json.loads(found)})


async def fits(page: Page, where: str = "") -> None:
    """Fails when the page, as wide as it is now, is not accessible or wider than its screen."""
    results = await Axe().run(page)
    width = page.viewport_size and page.viewport_size["width"]
    assert results.violations_count == 0, (where, width, results.generate_report())
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (where, width)


async def fits_every_screen(page: Page, address: str) -> None:
    """The same for a page that is opened on a phone, and then gets as wide as a desk's screen."""
    await page.set_viewport_size({"width": 390, "height": 900})
    await page.goto(address)
    await drawn(page)
    await fits(page, address)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await drawn(page)
    await fits(page, address)


class GalleryHandler(BaseHTTPRequestHandler):
    """The static files, and the gallery's screens at /<screen>/<language>/<theme>."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(f"{STATIC_URL}/"):
            file = STATIC / path.removeprefix(f"{STATIC_URL}/")
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self._answer(file.read_bytes() if file.is_file() else None, kind)
            return
        screen, language, theme = (*path.strip("/").split("/"), "", "", "")[:3]
        known = screens(language or "en", cast("Literal['light', 'dark']", theme or "light"))
        self._answer(known[screen]().encode() if screen in known else None, "text/html; charset=utf-8")

    def _answer(self, body: bytes | None, kind: str) -> None:
        self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Says nothing."""


@contextmanager
def serve(port: int = 0) -> Generator[str]:
    """The address of a server of the gallery, for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", port), GalleryHandler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def photograph(executable: str, pictures: Sequence[tuple[str, int, Path]]) -> None:
    """A picture of every (address, width), of the whole page, into its file."""

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            sys.stderr.write(f"{message.text}\n")

    async def take() -> None:
        async with open_browser(executable) as running:
            for address, width, file in pictures:
                page = await running.new_page(viewport={"width": width, "height": 900 if width > 500 else 844})
                page.on("console", complain)
                await page.goto(address)
                await drawn(page)
                await page.wait_for_timeout(400)
                await page.screenshot(path=file, full_page=True)
                await page.close()

    asyncio.run(take())
