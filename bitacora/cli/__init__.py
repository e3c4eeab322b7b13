"""The command line. Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage or configuration,
130 interrupted.
"""


def main() -> None:
    """Run the command that the arguments name."""
    from bitacora.cli.app import app

    app(prog_name="bitacora")
