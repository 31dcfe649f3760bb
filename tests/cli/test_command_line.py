"""What every command shares: help, exit codes, one clear sentence instead of a traceback."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable

import pytest

from cli.conftest import Command
from comptoir.kernel.errors import Fault, Remedy
from comptoir.sdk.tabular import Undecided
from comptoir.surfaces.cli import run
from comptoir.surfaces.cli.exits import Exit, Stopped, ending
from comptoir.surfaces.demo.state import DEFAULT_SPEED

COMMANDS = (
    "serve",
    "worker",
    "migrate",
    "doctor",
    "demo",
    "import orders",
    "import products",
    "import stock",
    "import locations",
    "user add",
    "user list",
    "user password",
    "user role",
    "user deactivate",
    "token create",
    "token list",
    "token revoke",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == Exit.OK
    said = capsys.readouterr().out
    assert "For example:" in said
    assert f"comptoir {command}" in said


def test_the_demo_tells_the_speed_that_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--help"]) == Exit.OK
    assert f"else {DEFAULT_SPEED:.0f}" in capsys.readouterr().out


def test_the_list_of_commands_names_them_all_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == Exit.OK
    said = capsys.readouterr().out
    assert all(command.split()[0] in said for command in COMMANDS)
    assert "130" in said


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == Exit.OK
    assert capsys.readouterr().out.strip() == "0.1.0"


@pytest.mark.parametrize("line", ["nothing", "serve --nothing", "serve --port many", "user add", "import stock"])
def test_a_line_that_says_nothing_ends_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == Exit.USAGE
    assert "Traceback" not in capsys.readouterr().err


def test_a_bad_setting_is_named(comptoir: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTOIR_PORT", "ninety")
    ended = comptoir("migrate")
    assert ended.code == Exit.REFUSED
    assert "COMPTOIR_PORT must be a whole number" in ended.err


def test_a_port_that_is_taken_is_told_with_what_to_do(comptoir: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = comptoir("serve", "--port", port)
    assert ended.code == Exit.REFUSED
    assert ended.err.strip() == (
        f"The port is in use: 127.0.0.1:{port}. Stop the program that uses it, or choose another with --port."
    )


def _raising(problem: BaseException) -> Callable[[], object]:
    def raise_it() -> object:
        raise problem

    return raise_it


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (Fault("the disk is full: free some space", remedy=Remedy.MERCHANT), Exit.FAULT, "the disk is full: free some space"),
        (
            Undecided("The decimal mark of 'Price' is not clear", setting="decimal", choices=[".", ","]),
            Exit.REFUSED,
            "--decimal",
        ),
        (ZeroDivisionError("oh"), Exit.BUG, "This should not have happened: ZeroDivisionError: oh"),
        (KeyboardInterrupt(), Exit.INTERRUPTED, "Stopped."),
        (Stopped(Exit.USAGE), Exit.USAGE, ""),
    ],
)
def test_how_a_command_ends_is_said_in_a_sentence(
    problem: BaseException, code: Exit, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(_raising(problem), verbose=False) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_verbose_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    ending(_raising(ZeroDivisionError("oh")), verbose=True)
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    process = spawn("--help")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
