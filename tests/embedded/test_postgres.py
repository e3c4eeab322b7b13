"""PostgreSQL's folders: short enough a socket path, closed to others."""

import stat

import psycopg
import pytest

from bitacora.embedded import parts
from bitacora.embedded.postgres import SOCKET_PATH_LIMIT_BYTES, Postgres
from bitacora.embedded.problem import Problem


def test_a_home_unfit_for_a_socket_gets_a_folder_of_its_own_elsewhere(tmp_path):
    homes = [tmp_path / ("long" * 30), tmp_path / ("long" * 31), tmp_path / "a,b"]
    sockets = [Postgres(home, 65_535).socket for home in homes]
    assert len(set(sockets)) == 3
    for socket in sockets:
        assert len(str(socket)) <= SOCKET_PATH_LIMIT_BYTES
        assert "," not in str(socket)


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path):
    server = Postgres(tmp_path, 65_535)
    server.socket.parent.mkdir(parents=True, mode=0o755)
    with pytest.raises(Problem, match="only PostgreSQL's user may enter"):
        server.spawn({})


def test_the_socket_trusts_and_is_private_while_tcp_asks_for_a_password(environment):
    server = parts.postgres(environment.home, environment.state)
    assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    with psycopg.connect(environment.postgres.admin_dsn) as session:
        assert session.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert session.execute("SHOW timezone").fetchone() == ("UTC",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname="postgres")


@pytest.mark.parametrize(("how", "in_order"), [("stop", True), ("kill", False)])
def test_stop_or_kill_and_start_keep_the_data(environment, how, in_order):
    control = environment.postgres
    with psycopg.connect(control.admin_dsn, autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS one")
    getattr(control, how)()
    log = environment.state.parts[parts.POSTGRES].exit.log
    assert ("database system is shut down" in log[-1]) == in_order
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(control.admin_dsn)
    control.start()
    with psycopg.connect(control.admin_dsn) as session:
        assert session.execute("SELECT one FROM kept").fetchone() == (1,)
