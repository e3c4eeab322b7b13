"""What a person is told: what happened, where, and what to do next."""


class Problem(Exception):
    """Ends a command with its text and no traceback. `remedy` is what to do, or empty.

    Exit codes: 1 failed or unhealthy; 2 wrong usage or configuration (`UsageProblem`).
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class UsageProblem(Problem):
    """The command line or a configuration value is wrong."""

    exit_code = 2
