"""Threads may meet at the first event that any of them decodes."""

import subprocess
import sys

PROCESSES = 8
# Threads change places as often as they can, in a process that has decoded nothing yet.
MEETING = """
import json, sys, threading

from reference_service.order.codec import EVENTS, OrderCodec
from reference_service.order.events import VERSIONS
from reference_service.schemas import CONTRACTS, Schemas, event_schema

sys.setswitchinterval(1e-6)
codec = OrderCodec(Schemas(CONTRACTS))
for kind in EVENTS:
    folder = (CONTRACTS / event_schema("internal", kind, VERSIONS[kind])).parent / "examples"
    data = json.loads((folder / f"v{VERSIONS[kind]}-full.json").read_bytes())
    body = json.dumps([{"type": kind, "v": VERSIONS[kind], "data": data}])
    together = threading.Barrier(8)
    decoded = []
    def decode():
        together.wait()
        decoded.extend(codec.decode(body))
    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert len(decoded) == 8, kind
"""


def test_threads_that_decode_their_first_event_at_once_all_have_it() -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", MEETING], stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert ended == [("", 0)] * PROCESSES
