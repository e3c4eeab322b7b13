"""What is wrong with a contracts folder, where, and what to do about it."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`file` is a path below the contracts folder, `pointer` a JSON pointer into it, "" the whole.

    `what` is a sentence about that place, `remedy` the next step. `line` counts from 1 and stands
    only where no pointer can tell, as in a file that is no JSON. `rule` is the id of the rule.
    """

    file: str
    pointer: str
    what: str
    remedy: str
    line: int | None = None
    rule: str = ""
