"""The kit as the scenarios see it: the environment, the fault proxy, and what they are asked."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bitacora.audit.observation import Observation
from bitacora.audit.reading import Stores, observe
from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from bitacora.faults import FaultProxy
from features.customers import Customer

QUEUE_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(frozen=True)
class Kit:
    environment: Environment
    proxy: FaultProxy
    stores: Stores

    def new_customer(self) -> Customer:
        customer_id = f"customer-{uuid4().hex[:12]}"
        token = self.environment.token(customer_id)
        return Customer(customer_id, token, self.environment.outputs["api_url"])

    def observe(self) -> Observation:
        """What all stores hold: for verdicts only."""
        return observe(self.stores)

    def mapping(self, function: str) -> dict[str, Any]:
        """The delivery engine's report on the stream that feeds this function."""
        name = self.environment.outputs["functions"][function]
        reports = self.environment.delivery.mappings()
        return next(each for each in reports if each["function"].endswith(name))

    def caught_up(self, function: str) -> bool:
        return bool(self.mapping(function)["caught_up"])

    def fault(self, function: str, kind: str, **options: Any) -> None:
        self.environment.delivery.fault(self.mapping(function)["uuid"], kind, **options)

    def end_faults(self) -> None:
        self.proxy.clear()
        for mapping in self.environment.delivery.mappings():
            for kind in ("repeat_batch", "lose_answer"):
                self.environment.delivery.fault(mapping["uuid"], kind, times=0)
            self.environment.delivery.fault(mapping["uuid"], "resume")

    def at_rest(self, *, at_most_s: float) -> None:
        """Return when nothing is under way: every stream is read, every queue is empty.

        Two looks in a row, because work may pass from a queue not yet seen to one seen before.
        """
        looks: list[dict[str, Any]] = []

        def look() -> dict[str, Any]:
            looks.append(self.under_way())
            return looks[-1]

        until(
            "everything is at rest",
            look,
            lambda _: looks[-2:] == [{}, {}],
            at_most_s=at_most_s,
        )

    def under_way(self) -> dict[str, Any]:
        """What is not at rest: shards of streams that are behind, queues that hold messages."""
        behind = {
            mapping["function"]: mapping["shards"] or mapping["last_error"]
            for mapping in self.environment.delivery.mappings()
            if not mapping["caught_up"]
        }
        sqs = self.environment.client("sqs")
        counts = {
            name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(QUEUE_COUNTS))
            for name, url in self.environment.outputs["queues"].items()
        }
        waiting = {
            name: found["Attributes"]
            for name, found in counts.items()
            if any(int(count) for count in found["Attributes"].values())
        }
        return behind | waiting
