"""A clock that is wrong by SKEW_S seconds, for the process of a function.

Python imports this file when it starts, because PYTHONPATH of the function's configuration names
its folder. Of the wall clock only; the monotonic one goes on as it is.
"""

import datetime as module
import os
import time

SKEW_S = float(os.environ.get("SKEW_S", "0"))
_time, _datetime = time.time, module.datetime


class SkewedDatetime(_datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), module.UTC).replace(tzinfo=None)


if SKEW_S:
    time.time = lambda: _time() + SKEW_S
    module.datetime = SkewedDatetime  # type: ignore[misc]
