"""The command line, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from comptoir.surfaces.cli import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def comptoir(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str) -> Command:
    """Runs a command line in this process, on a fresh database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COMPTOIR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ended(int(code), said.out, said.err)

    return command


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """For processes: a throwaway data folder, and nothing of the tester's own settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COMPTOIR_", "DATABASE_URL"))}
    return own | {"COMPTOIR_DATA": str(tmp_path / "data"), "COLUMNS": "200", "PYTHONWARNINGS": "error"}


@pytest.fixture
def spawn(environment: Mapping[str, str]) -> Generator[Callable[..., subprocess.Popen[str]]]:
    """Starts `comptoir …` in a process of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from comptoir.surfaces.cli import main; main()", *map(str, arguments)],
            env=dict(environment) | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
