"""The audit after a load run: reads the stores until they agree, at most so long."""

from collections.abc import Callable

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from bitacora.audit.observation import Observation
from bitacora.audit.reading import Stores, observe
from bitacora.audit.until import NotInTime, until
from load.customer import Receipts, command_id_of_event
from load.verdict import Outcome, Verdict, judge, unobserved

PAUSE_S = 0.5


def audit(
    stores: Stores,
    receipts: Receipts,
    is_customer: Callable[[str], bool],
    public: frozenset[str],
    *,
    at_most_s: float,
) -> Verdict:
    """The verdict on the run's orders, once they have arrived everywhere or the time is up.

    `is_customer` tells the run's customers, so that an order nobody was told of is found too.
    """

    def look() -> Verdict:
        return _verdict(observe(stores), receipts, is_customer, public)

    try:
        return until(
            "everything accepted is downstream",
            look,
            lambda verdict: verdict.outcome is not Outcome.VIOLATED,
            at_most_s=at_most_s,
            pause_s=PAUSE_S,
        )
    except NotInTime as late:
        last: Verdict = late.last
        return last
    except (psycopg.Error, BotoCoreError, ClientError) as error:
        return unobserved(receipts.sent(frozenset()), f"the stores could not be read: {error}")


def _verdict(
    everything: Observation,
    receipts: Receipts,
    is_customer: Callable[[str], bool],
    public: frozenset[str],
) -> Verdict:
    told = {accepted.stream for accepted in receipts.accepted.values()}
    streams = told | {
        stream for stream, commits in everything.commits.items() if is_customer(commits[0].actor)
    }
    shipments = {f"shipment-{stream.removeprefix('order-')}/1/0" for stream in streams}
    sent = receipts.sent(frozenset(map(command_id_of_event, shipments)))
    return judge(sent, everything.of(lambda stream: stream in streams), public)
