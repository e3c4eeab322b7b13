"""The command line. Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage or configuration,
130 interrupted.
"""

import sys


def main() -> None:
    """Run a command; the one place where an error becomes a message."""
    from bitacora.cli.app import app
    from bitacora.embedded.problem import Problem

    try:
        app(prog_name="bitacora")
    except Problem as problem:
        print(f"Error: {problem.what}", file=sys.stderr)
        if problem.remedy:
            print(f"  → {problem.remedy}", file=sys.stderr)
        sys.exit(problem.exit_code)
