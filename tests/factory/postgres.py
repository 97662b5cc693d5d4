"""A private PostgreSQL server for tests, from the system's binaries, in a folder of its own and on no network port."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "keeper"


def binaries() -> Path | None:
    """Folder of the newest installed server, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def missing() -> str:
    """Why no server can be started here, or ""."""
    if binaries() is None:
        return "no PostgreSQL server is installed here (package postgresql): the department's database is not tested"
    if os.name == "posix" and os.getuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser to start it as postgres"
    return ""


class Server:
    """A server that can be stopped hard and started again; each `url` is a schema of its own in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rd-pg-"))
        self._count = itertools.count()
        self._as_root = os.getuid() == 0
        if self._as_root:
            shutil.chown(self.folder, "postgres", "postgres")
            self.folder.chmod(0o755)
        self._run("initdb", "-D", self.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None
        command = [str(folder / program), *arguments]
        if self._as_root:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self) -> None:
        """Start it, or start it again."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=80"
        self._run("pg_ctl", "-D", self.data, "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` is what a cut of power looks like to those who write."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def admin(self, database: str = "postgres") -> str:
        """URL of the superuser."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.folder))}"

    def url(self) -> str:
        """URL of a new, empty place for one archive."""
        import psycopg

        name = f"home{next(self._count)}"
        with psycopg.connect(self.admin(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{self.admin()}&options={quote(f'-csearch_path={name}')}"

    def remove(self) -> None:
        """Stop it and remove its folder."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
