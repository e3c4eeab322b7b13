"""The delivery engine as a process: `python -m bitacora.delivery`.

Environment: BITACORA_HOME (its folder `delivery` keeps mappings and checkpoints), DELIVERY_PORT,
DELIVERY_TOKEN, and the SDK's AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and keys.
Logs: JSON lines on stderr. SIGTERM ends it within two seconds.
Exit codes: 0 ended by a signal, 2 a fault in the environment or in a kept mapping, 3 port taken.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from random import Random

from bitacora.delivery.checkpoints import UnreadableState
from bitacora.delivery.control import ControlServer
from bitacora.delivery.engine import Engine
from bitacora.delivery.invocation import Clients
from bitacora.delivery.mapping import InvalidMapping
from bitacora.delivery.worker import Surroundings

logger = logging.getLogger("bitacora.delivery")

REQUIRED = ("BITACORA_HOME", "DELIVERY_PORT", "DELIVERY_TOKEN", "AWS_ENDPOINT_URL")
STOP_TIMEOUT_S = 1.5


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def main() -> int:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("botocore").setLevel(logging.WARNING)
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing or not os.environ["DELIVERY_PORT"].isdecimal():
        return _give_up(
            2, f"environment: {', '.join(missing) or 'DELIVERY_PORT'} is missing or wrong"
        )
    engine = Engine(
        Path(os.environ["BITACORA_HOME"]) / "delivery",
        Surroundings(Clients(), Random(), time.time),
    )
    try:
        server = ControlServer(
            int(os.environ["DELIVERY_PORT"]), os.environ["DELIVERY_TOKEN"], engine
        )
    except OSError as error:
        return _give_up(3, f"port {os.environ['DELIVERY_PORT']}: {error}")
    try:
        engine.start()
    except (UnreadableState, InvalidMapping) as error:
        return _give_up(2, str(error))
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    threading.Thread(target=server.serve_forever, daemon=True, name="control").start()
    logger.info("delivery engine ready on port %s", os.environ["DELIVERY_PORT"])
    ended.wait()
    server.shutdown()
    engine.stop(STOP_TIMEOUT_S)
    logger.info("delivery engine ended")
    return 0


def _give_up(exit_code: int, reason: str) -> int:
    logger.error(reason)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
