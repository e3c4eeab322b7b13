"""Orders at a given rate against the running environment, then the verdict on every one of them.

    locust -f load/locustfile.py --headless --only-summary

Arrivals are open: they come when they are due, whatever the answers do, and a latency counts from
the moment a request was meant to be sent. (Locust's own users wait for an answer before they go
on, so a stall of seconds hides in a handful of requests.)

Exit codes: 0 the promises hold, 1 violated, 2 unknown: nothing was observed or nothing runs.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import gevent  # type: ignore[import-untyped]
from gevent.pool import Pool  # type: ignore[import-untyped]
from locust import User, events, task

from bitacora.audit.reading import public_types, stores_of
from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import Problem
from load import report
from load.api import HttpApi
from load.arrivals import SHAPES
from load.audit import audit
from load.customer import Clock, Customer, Receipts, Took
from load.journey import Journey, plan, read_examples
from load.verdict import Outcome, unobserved

CUSTOMERS = 40
START_AHEAD_S = 0.5


class WallClock:
    """Real time; waiting lets other greenlets go on."""

    def now(self) -> float:
        return time.perf_counter()

    def wait_until(self, moment: float) -> None:
        gevent.sleep(max(0.0, moment - self.now()))


class Run:
    """One load run: its options, its customers' tokens and what they know of their commands."""

    def __init__(self, options: Any) -> None:
        self.options = options
        self.environment = Environment(Path(options.home))
        self.api = HttpApi(self.environment.outputs["api_url"])
        self.prefix = f"load-{uuid4().hex[:8]}-"
        self.tokens = {
            customer_id: self.environment.token(customer_id)
            for customer_id in (f"{self.prefix}{number}" for number in range(CUSTOMERS))
        }
        self.examples = read_examples()
        self.receipts = Receipts()
        self.journeys = Pool()
        self.verdict = unobserved(self.receipts.sent(frozenset()), "the audit did not end")

    def send_orders(self, tell: Callable[[Took], None]) -> None:
        """Every order at its moment; returns when the last one's life is over."""
        random = Random(self.options.seed)
        moments = SHAPES[self.options.arrivals](self.options.rate, self.options.seconds, random)
        clock = WallClock()
        self._warm_up(clock, random)
        began = clock.now() + START_AHEAD_S
        for moment in moments:
            journey = self._journey(random)
            customer = self._customer(journey, tell, clock)
            clock.wait_until(began + moment)
            self.journeys.spawn(customer.live, journey, began + moment)
        self.journeys.join()

    def _warm_up(self, clock: Clock, random: Random) -> None:
        """Orders one after the other, in the verdict but not in the latencies: cold starts."""
        for _ in range(self.options.warm_up):
            journey = self._journey(random)
            self._customer(journey, lambda _: None, clock).live(journey, clock.now())

    def _journey(self, random: Random) -> Journey:
        return plan(random.choice(sorted(self.tokens)), self.examples, random)

    def _customer(self, journey: Journey, tell: Callable[[Took], None], clock: Clock) -> Customer:
        token = self.tokens[journey.customer_id]
        return Customer(self.api, token, self.receipts, tell, clock)

    def judge(self, environment: Any, **_: Any) -> None:
        """Sets the verdict and the exit code."""
        self.journeys.kill()  # those that an interrupt left; what they sent stays unanswered
        environment.process_exit_code = self.verdict.outcome.value
        print(f"Audit: waiting at most {self.options.converge_seconds:g} s for the stores to agree")
        self.verdict = audit(
            stores_of(self.environment),
            self.receipts,
            lambda actor: actor.startswith(self.prefix),
            public_types(),
            at_most_s=self.options.converge_seconds,
        )
        environment.process_exit_code = self.verdict.outcome.value

    def tell_verdict(self, **_: Any) -> None:
        print(report.table(self.verdict))
        if self.options.verdict_json:
            text = json.dumps(report.document(self.verdict), indent=2)
            Path(self.options.verdict_json).write_text(text + "\n")


class Orders(User):
    """The one user that Locust runs: it lets the orders arrive."""

    fixed_count = 1

    @task
    def arrive(self) -> None:
        self.environment.bitacora.send_orders(self._tell)
        self.environment.runner.quit()

    def _tell(self, took: Took) -> None:
        self.environment.events.request.fire(
            request_type=took.method,
            name=took.name,
            response_time=took.latency_ms,
            response_length=took.size_bytes,
            exception=RuntimeError(took.fault) if took.fault else None,
            context={},
        )


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def options(parser: Any) -> None:
    group = parser.add_argument_group("orders", "How orders arrive, and the verdict")
    group.add_argument("--rate", type=_positive, default=2.0, help="Orders per second")
    group.add_argument("--seconds", type=_positive, default=20.0, help="How long orders arrive")
    group.add_argument("--arrivals", choices=sorted(SHAPES), default="poisson", help="Their shape")
    group.add_argument("--seed", type=int, default=1, help="Of arrivals and journeys")
    group.add_argument(
        "--warm-up", type=int, default=2, metavar="ORDERS", help="Orders before, not measured"
    )
    group.add_argument(
        "--converge-seconds",
        type=_positive,
        default=240.0,
        help="How long the audit waits at most; a queue holds a failed message back for 180 s",
    )
    group.add_argument(
        "--home",
        default=os.environ.get("BITACORA_HOME", ".bitacora"),
        help="The environment's folder",
    )
    group.add_argument("--verdict-json", metavar="FILE", help="Write the verdict to this file")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(f"{text} is not above 0")
    return number


@events.init.add_listener  # type: ignore[untyped-decorator]
def connect(environment: Any, **_: Any) -> None:
    try:
        run = Run(environment.parsed_options)
    except Problem as problem:
        print(f"{problem.what} {problem.remedy}", file=sys.stderr)
        sys.exit(Outcome.UNKNOWN.value)
    environment.bitacora = run
    environment.events.quitting.add_listener(run.judge)
    environment.events.quit.add_listener(run.tell_verdict)
