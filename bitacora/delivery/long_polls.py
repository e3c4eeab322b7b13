"""GetRecords that waits until there is something to read.

AWS polls idle shards a few times a second. Here every poll would cost the one emulator that all
functions share, so the engine asks it (bitacora/embedded/long_polls.py) to hold the answer of an
empty poll until something is written, and reads at once what a function has written.
"""

from typing import Any

WAIT_HEADER = "x-bitacora-wait-ms"
WAITED_HEADER = "x-bitacora-waited-ms"
WAIT_MS = 500


def ask_to_wait(client: Any) -> None:
    """Have every GetRecords of this boto3 client wait for up to WAIT_MS."""
    client.meta.events.register("before-call.*.GetRecords", _add_header)


def waited_s(answer: dict[str, Any]) -> float:
    """How long the answer of a GetRecords was held; 0 where nobody heeds the header."""
    return int(answer["ResponseMetadata"]["HTTPHeaders"].get(WAITED_HEADER, 0)) / 1000


def _add_header(params: dict[str, Any], **_: Any) -> None:
    params["headers"][WAIT_HEADER] = str(WAIT_MS)
