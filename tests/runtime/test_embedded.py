from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from comptoir.kernel.errors import Remedy
from comptoir.runtime import embedded
from comptoir.runtime.embedded import EmbeddedPostgres, OtherMajorVersion, PostgresNotStarted

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
SMALL = {"shared_buffers": "16MB"}


def embedded_in(data: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data, durable=False, settings=SMALL)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def tell(url: str, order: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(order.encode())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a cluster that was shut down: making one for each test would take long."""
    data = tmp_path_factory.mktemp("made")
    with embedded_in(data):
        pass
    return data


@pytest.fixture
def data(made: Path) -> Iterator[Path]:
    """The same one for all tests that leave it usable."""
    yield made
    embedded_in(made).kill()


@pytest.fixture
def own_data(data: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy for a test that does not."""
    folder = tmp_path / "data"
    copy_cluster(data, folder)
    yield folder
    embedded_in(folder).kill()


def copy_cluster(source: Path, target: Path) -> None:
    """As `cp -a` does: with owners."""
    subprocess.run(["cp", "-a", source, target], check=True)


class TestOneServer:
    def test_an_empty_folder_becomes_a_database_that_sorts_and_folds_unicode(self, tmp_path: Path) -> None:
        with embedded_in(tmp_path / "new") as server:
            url = server.url()
            assert ask(url, "SELECT current_database()") == "comptoir"
            assert ask(url, "SELECT current_setting('server_encoding')") == "UTF8"
            assert ask(url, "SELECT current_setting('data_checksums')") == "on"
            assert ask(url, "SELECT upper('straße') || lower('ÉTÉ')") == "STRASSEété"
        assert [path.name for path in (tmp_path / "new").glob("pg.new-*")] == []

    def test_only_its_owner_may_enter_the_cluster_and_no_port_is_open(self, data: Path) -> None:
        with embedded_in(data) as server:
            assert server.pid is not None
            assert server.directory.stat().st_mode & 0o777 == 0o700
            assert psutil.Process(server.pid).net_connections("inet") == []

    def test_by_default_an_acknowledged_write_is_on_disk(self, data: Path) -> None:
        server = EmbeddedPostgres(data, settings=SMALL)
        with server:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                assert ask(server.url(), f"SELECT current_setting('{name}')") == "on"

    def test_starting_twice_is_starting_once(self, data: Path) -> None:
        with embedded_in(data) as server:
            pid = server.pid
            assert server.start() == server.url()
            assert server.pid == pid

    def test_a_path_that_is_too_long_for_a_socket_gets_a_short_private_one(self, made: Path, tmp_path: Path) -> None:
        data = tmp_path / ("long" * 30)
        copy_cluster(made, data)
        with embedded_in(data) as server:
            sockets = Path("/tmp") / server.url().rpartition("%2F")[2].partition("&")[0]
            assert ask(server.url(), "SELECT 1") == 1
            assert sockets.stat().st_mode & 0o777 == 0o700
        sockets.rmdir()

    def test_a_short_folder_that_somebody_else_made_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / "open").mkdir(mode=0o755)
        (tmp_path / "link").symlink_to(tmp_path)
        for name in ("open", "link"):
            with pytest.raises(PostgresNotStarted, match="not ours"):
                embedded._make_private(tmp_path / name, (os.geteuid(), os.getegid()))


class TestSharing:
    def test_of_many_that_start_at_once_one_starts_it_and_the_last_to_leave_stops_it(self, data: Path) -> None:
        servers = [embedded_in(data) for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(EmbeddedPostgres.start, servers))) == 1
        assert len({server.pid for server in servers}) == 1
        for server in servers:
            assert server.running()
            server.stop()
        assert not servers[0].running()

    def test_stopping_what_one_never_started_changes_nothing(self, data: Path) -> None:
        with embedded_in(data) as server:
            embedded_in(data).stop()
            assert server.running()

    def test_the_server_outlives_a_starter_that_is_killed_and_the_next_one_takes_it_over(self, data: Path) -> None:
        program = (
            "import sys, time; from pathlib import Path; from comptoir.runtime.embedded import EmbeddedPostgres;"
            f"EmbeddedPostgres(Path(sys.argv[1]), settings={SMALL}).start(); print('started', flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", program, data], stdout=subprocess.PIPE) as starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == b"started\n"
            pid = embedded_in(data).pid
            starter.kill()
        with embedded_in(data) as server:
            assert server.pid == pid is not None
        assert not server.running()

    def test_a_shell_that_stands_in_the_cluster_is_not_taken_for_the_server(self, data: Path) -> None:
        with subprocess.Popen(["sleep", "60"], cwd=data / "pg") as shell:
            with embedded_in(data):
                pass
            assert shell.poll() is None
            shell.kill()


class TestCrashes:
    def test_a_committed_write_survives_kill_9_and_the_next_start_recovers(self, data: Path) -> None:
        server = EmbeddedPostgres(data, settings=SMALL)
        url = server.start()
        tell(url, "CREATE TABLE sold AS SELECT 42 AS units")
        server.kill()
        assert not server.running()
        assert server.start() == url
        assert ask(url, "SELECT units FROM sold") == 42
        server.stop()

    def test_a_backend_that_is_still_at_work_is_awaited(self, data: Path) -> None:
        server = embedded_in(data)
        url = server.start()

        def sleep_there() -> None:
            with pytest.raises(psycopg.OperationalError):
                tell(url, "SELECT pg_sleep(60)")

        sleeper = threading.Thread(target=sleep_there)
        sleeper.start()
        while ask(url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != 1:
            pass
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        psutil.Process(pid).wait()
        assert ask(server.start(), "SELECT 1") == 1
        sleeper.join()
        server.stop()

    def test_a_stale_pid_file_misleads_nobody_even_when_its_number_has_been_given_away(self, data: Path) -> None:
        with subprocess.Popen(["sleep", "60"]) as other:
            (data / "pg" / "postmaster.pid").write_text(f"{other.pid}\n{data}/pg\n1\n5432\n.\n\n 1 1\nready\n")
            server = embedded_in(data)
            assert not server.running()
            with server:
                assert server.pid not in {None, other.pid}
            assert other.poll() is None
            other.kill()

    def test_half_a_cluster_that_a_crash_left_is_thrown_away(self, tmp_path: Path) -> None:
        (tmp_path / "pg.new-half").mkdir()
        (tmp_path / "pg.new-half" / "PG_VERSION").write_text("18\n")
        with embedded_in(tmp_path) as server:
            assert ask(server.url(), "SELECT 1") == 1
        assert not list(tmp_path.glob("pg.new-*"))


class TestRefusals:
    def test_a_cluster_of_another_major_version_is_left_alone(self, own_data: Path) -> None:
        version = own_data / "pg" / "PG_VERSION"
        version.write_text("17\n")
        with pytest.raises(OtherMajorVersion, match="made by PostgreSQL 17") as fault:
            embedded_in(own_data).start()
        assert fault.value.remedy is Remedy.MERCHANT
        assert fault.value.data == {"found": "17", "expected": "18"}
        assert version.read_text() == "17\n"

    def test_when_it_does_not_start_its_own_words_are_passed_on(self, data: Path) -> None:
        server = EmbeddedPostgres(data, settings={"shared_buffers": "lots"})
        with pytest.raises(PostgresNotStarted, match='invalid value for parameter "shared_buffers": "lots"') as fault:
            server.start()
        assert fault.value.remedy is Remedy.MERCHANT
        assert not server.running()

    def test_a_damaged_cluster_says_to_restore_a_backup(self, own_data: Path) -> None:
        for segment in (own_data / "pg" / "pg_wal").glob("0*"):
            segment.unlink()
        with pytest.raises(PostgresNotStarted, match="restore the latest backup"):
            embedded_in(own_data).start()

    def test_a_data_folder_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "data").touch()
        with pytest.raises(PostgresNotStarted, match="exists"):
            embedded_in(tmp_path / "data").start()

    def test_a_server_that_hides_in_another_container_is_not_joined_by_a_second(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with embedded_in(data) as server:
            with monkeypatch.context() as blind:
                blind.setattr(EmbeddedPostgres, "_is_ours", lambda _self, _pid: False)
                with pytest.raises(PostgresNotStarted, match="another container"):
                    embedded_in(data).start()
            assert ask(server.url(), "SELECT 1") == 1


@as_root
class TestRoot:
    def test_root_runs_it_as_nobody_special_below_folders_that_stay_closed(self, made: Path, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        copy_cluster(made, closed / "data")
        with embedded_in(closed / "data") as server:
            assert server.pid is not None
            assert psutil.Process(server.pid).uids().effective != 0
            assert psutil.Process(server.pid).gids().effective != 0
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0

    def test_a_cluster_that_was_restored_as_root_is_given_away(self, own_data: Path) -> None:
        subprocess.run(["chown", "-R", "0:0", own_data / "pg"], check=True)
        with embedded_in(own_data) as server:
            assert ask(server.url(), "SELECT 1") == 1

    def test_the_owner_of_a_cluster_keeps_it(self, own_data: Path) -> None:
        subprocess.run(["chown", "-R", "1234:1234", own_data / "pg"], check=True)
        with embedded_in(own_data) as server:
            assert server.pid is not None
            assert psutil.Process(server.pid).uids().effective == 1234
            tell(server.url(), "CREATE TABLE owned ()")
        assert {path.stat().st_uid for path in (own_data / "pg").rglob("*")} == {1234}

    def test_binaries_that_the_account_cannot_reach_are_copied_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = Path("/var/tmp") / f"comptoir-test-{os.getpid()}"  # open to others, as tmp_path is not
        tmp_path.chmod(0o700)
        (tmp_path / "closed").symlink_to(embedded._wheel())
        monkeypatch.setattr(embedded, "_CACHE", cache)
        monkeypatch.setattr(embedded, "_wheel", lambda: tmp_path / "closed")
        embedded._programs.cache_clear()
        try:
            with embedded_in(tmp_path / "data") as server:
                assert server.pid is not None
                assert psutil.Process(server.pid).exe().startswith(str(cache))
            embedded._programs.cache_clear()
            with embedded_in(tmp_path / "data"):
                assert len(list(cache.iterdir())) == 1
        finally:
            embedded._programs.cache_clear()
            shutil.rmtree(cache)

    @pytest.mark.parametrize("uid", [65534, 12345])
    def test_an_ordinary_account_makes_its_own_with_or_without_a_name(self, uid: int) -> None:
        if not embedded._can_run(Path(sys.executable), (uid, uid)):
            pytest.skip("this Python is below a folder that is closed to others")
        data = Path("/var/tmp") / f"comptoir-test-{os.getpid()}-{uid}"
        data.mkdir(mode=0o700)
        os.chown(data, uid, uid)
        program = (
            "import sys; from pathlib import Path; from comptoir.runtime.embedded import EmbeddedPostgres;"
            f"s = EmbeddedPostgres(Path(sys.argv[1]), durable=False, settings={SMALL});"
            "print(s.start().startswith('postgresql:')); s.stop(); print(s.running())"
        )
        try:
            answer = subprocess.run(
                [sys.executable, "-c", program, data],
                user=uid,
                group=uid,
                extra_groups=[],
                cwd="/",
                check=True,
                capture_output=True,
            )
            assert answer.stdout == b"True\nFalse\n"
            assert {path.stat().st_uid for path in data.rglob("*")} == {uid}
        finally:
            shutil.rmtree(data)
