"""What was read directly from every store at about one time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import Gate

ORDER = "order-"
SHIPMENT = "shipment-"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """All by stream but `ledger`, which is by public event id.

    `commits` ascend; `rows` are order_summary's, every column; `parked` holds reasons; `ledger` a
    fingerprint of each stored copy; `shipments` fulfilment's records.
    """

    commits: Mapping[str, tuple[Commit, ...]]
    rows: Mapping[str, Mapping[str, Any]]
    gates: Mapping[str, Gate]
    parked: Mapping[str, str]
    ledger: Mapping[str, tuple[str, ...]]
    shipments: Mapping[str, Mapping[str, Any]]

    def of(self, wanted: Callable[[str], bool]) -> "Observation":
        """What concerns the streams that are wanted."""
        return Observation(
            commits=_only(self.commits, wanted),
            rows=_only(self.rows, wanted),
            gates=_only(self.gates, wanted),
            parked=_only(self.parked, wanted),
            ledger={i: copies for i, copies in self.ledger.items() if wanted(stream_of(i))},
            shipments=_only(self.shipments, wanted),
        )


def stream_of(event_id: str) -> str:
    """The order's stream that a public event is about, its own or fulfilment's."""
    subject = event_id.rsplit("/", 2)[0]
    return ORDER + subject.removeprefix(SHIPMENT) if subject.startswith(SHIPMENT) else subject


def _only(found: Mapping[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    return {stream: value for stream, value in found.items() if wanted(stream)}
