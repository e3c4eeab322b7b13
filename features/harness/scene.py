"""What the steps of one scenario talk about."""

from dataclasses import dataclass, field

from bitacora.audit.observation import Observation
from features.harness.customers import Answer, Customer, Request


@dataclass
class Scene:
    """`request` and `answers` are the last that were sent and got; `streams` the orders meant."""

    customer: Customer | None = None
    order_id: str = ""
    devices: int = 1
    request: Request | None = None
    answers: list[Answer] = field(default_factory=list)
    accepted: list[Answer] = field(default_factory=list)
    streams: set[str] = field(default_factory=set)
    before: Observation | None = None
    lags_s: list[float] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    package: bytes = field(default=b"", repr=False)

    @property
    def stream(self) -> str:
        return f"order-{self.order_id}"

    @property
    def owner(self) -> Customer:
        assert self.customer, "no step has brought a customer"
        return self.customer

    @property
    def last_request(self) -> Request:
        assert self.request, "no step has sent a command"
        return self.request

    @property
    def made_version(self) -> int:
        """The version that the first of the answered commands made."""
        return int(self.answers[0].body["version"])
