"""The way back of a parked stream: repair of what reads the log, republish of the public way.

Both read the event store and may be repeated, in any order. What the relay could not read reached
neither way: only when both are confirmed beyond that commit does its marker go.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reference_service.cqrs import relay
from reference_service.cqrs.parking import Parked, ParkedMarkers
from reference_service.cqrs.projection import Projector, Repaired
from reference_service.cqrs.publish import Publisher, Republished

# What repairs each read model, by its name. Asking for it may raise Unavailable.
ReadModels: TypeAlias = Mapping[str, Callable[[], Projector]]


@dataclass(frozen=True)
class Healed:
    """What was done to a stream: `repaired` by read model; None for what was not to be done.

    `relayed` is the relay's marker that was found, `parked` who still stops there: consumer → why.
    """

    stream: str
    repaired: dict[str, Repaired]
    republished: Republished | None
    relayed: Parked | None
    parked: dict[str, str]


class Healing:
    """Every method raises Unavailable; then repeat it."""

    def __init__(
        self, read_models: ReadModels, publisher: Publisher, markers: ParkedMarkers
    ) -> None:
        self._read_models = read_models
        self._publisher = publisher
        self._markers = markers

    def repair(self, stream: str) -> Healed:
        """Bring every read model up to the event store; all of it, if the relay parked it."""
        marker = self._markers.find(relay.CONSUMER, stream)
        repaired = self.repaired(stream, self._read_models)
        return self._healed(stream, repaired, self._told(stream) if marker else None, marker)

    def republish(self, stream: str) -> Healed:
        """Publish the stream's events again; all of it, if the relay parked it."""
        marker = self._markers.find(relay.CONSUMER, stream)
        repaired = self.repaired(stream, self._read_models) if marker else {}
        return self._healed(stream, repaired, self._told(stream), marker)

    def repaired(self, stream: str, read_models: Iterable[str]) -> dict[str, Repaired]:
        """The stream repaired in these read models alone."""
        return {name: self._read_models[name]().repair(stream) for name in read_models}

    def _told(self, stream: str) -> Republished:
        return self._publisher.republish(stream)

    def _healed(
        self,
        stream: str,
        repaired: dict[str, Repaired],
        republished: Republished | None,
        marker: Parked | None,
    ) -> Healed:
        parked = {name: done.parked for name, done in repaired.items() if done.parked}
        if republished and republished.parked:
            parked["publisher"] = republished.parked
        if marker and republished:
            reached = min(republished.end, *(done.end for done in repaired.values()))
            self._markers.clear(relay.CONSUMER, stream, reached)
            if reached < marker.commit:
                parked[relay.CONSUMER] = (
                    f"commit {marker.commit} is not everywhere, only commit {reached} is:"
                    f" {marker.reason}"
                )
        return Healed(stream, repaired, republished, marker, parked)
