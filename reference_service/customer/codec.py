"""Events of a customer to the body of a commit and back."""

from __future__ import annotations

from reference_service.customer.events import OLDEST_READERS, VERSIONS, Event, PersonalDataErased
from reference_service.event_codec import EventCodec, Events
from reference_service.schemas import Schemas

EVENTS = Events[Event](
    types={"PersonalDataErased": PersonalDataErased},
    versions=VERSIONS,
    oldest_readers=OLDEST_READERS,
    upcasters={},
    downcasters={},
)


class CustomerCodec(EventCodec[Event]):
    def __init__(self, schemas: Schemas) -> None:
        super().__init__(schemas, EVENTS, VERSIONS)
