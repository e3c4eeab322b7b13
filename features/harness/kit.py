"""The kit as one scenario sees it: the target, what goes wrong on it, and what is asked of it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bitacora.audit.history import Report
from bitacora.audit.observation import Observation
from bitacora.audit.until import until
from bitacora.embedded.environment import Environment
from bitacora.faults import FaultProxy, Injection, Rule
from features.harness.customers import Customer
from features.harness.history import History
from features.harness.targets import Embedded, Target
from features.harness.witness import Witness
from features.report.telling import timeline
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit

QUEUE_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
COUNTED = ("repeat_batch", "lose_answer", "reorder")
# Only its clients ask for longer; here a scenario waits for what it loads.
LOAD_DEADLINE_S = 30.0


@dataclass(frozen=True)
class Kit:
    target: Target
    witness: Witness
    history: History
    stopped: list[str] = field(default_factory=list)

    def new_customer(self) -> Customer:
        number = UUID(int=self.witness.random.getrandbits(128))
        return self.customer(f"customer-{number.hex[:12]}")

    def customer(self, customer_id: str) -> Customer:
        """One with this id, who may have orders already."""
        token = self.target.token(customer_id)
        return Customer(customer_id, token, self.outputs["api_url"], self.history)

    @property
    def outputs(self) -> Any:
        return self.target.outputs

    @property
    def environment(self) -> Environment:
        """For steps of scenarios that need the embedded environment."""
        assert isinstance(self.target, Embedded), "the scenario lacks the tag of what it needs"
        return self.target.environment

    @property
    def proxy(self) -> FaultProxy:
        """Between functions and cloud; for the embedded environment alone."""
        assert isinstance(self.target, Embedded), "the scenario lacks the tag of what it needs"
        return self.target.proxy

    def observe(self, *, ledger: bool = True) -> Observation:
        """What all stores hold, the ledger if it is asked for: for verdicts only."""
        seen = self.target.observe(ledger=ledger)
        self.witness.saw("commits", sum(map(len, seen.commits.values())))
        return seen

    def commits(self, stream: str) -> list[Commit]:
        """What the event store holds of one stream."""
        found = self._store().load(stream)
        self.witness.saw("commits", len(found))
        return found

    def refuse_history(self) -> None:
        """Raises AssertionError when what customers were told is not possible."""
        answers = [each for each in self.history.exchanges if each.answer]
        self.witness.saw("answers", len(answers))
        if not answers:
            return
        if lost := self.history.lost(self._spoken_of()):
            raise AssertionError(f"Accepted, and not in the event store at all: {sorted(lost)}")
        report = self.history_report()
        self.witness.more["history"] = dict(report.promises)
        told = [f"{each.kind} in {each.stream}: {each.detail}" for each in report.findings]
        assert report.verdict != "violated", "Of what customers were told: " + "; ".join(told)

    def history_report(self) -> Report:
        """The checker's, of all that was asked and told so far."""
        return self.history.report(self._spoken_of())

    def tell(self) -> dict[str, Any]:
        """For the report: the order that most was asked about."""
        exchanges = self.history.exchanges
        return {"timeline": timeline(self.witness, exchanges, self._spoken_of())}

    def _spoken_of(self) -> dict[str, list[Commit]]:
        """What the event store holds of every order that was spoken of."""
        return {stream: self._store().load(stream) for stream in self.history.streams()}

    def _store(self) -> DynamoDBEventStore:
        return DynamoDBEventStore(
            self.target.client("dynamodb"),
            self.outputs["events_table"],
            append_deadline_s=LOAD_DEADLINE_S,
        )

    def mapping(self, function: str) -> dict[str, Any]:
        """The delivery engine's report on the stream that feeds this function."""
        name = self.outputs["functions"][function]
        reports = self.environment.delivery.mappings()
        return next(each for each in reports if each["function"].endswith(name))

    def caught_up(self, function: str) -> bool:
        return bool(self.mapping(function)["caught_up"])

    def fault(self, function: str, kind: str, **options: Any) -> None:
        """A fault of the delivery engine (bitacora/delivery/faults.py) at this function's stream.

        One that is counted has to strike, or the scenario is unknown.
        """
        self.environment.delivery.fault(self.mapping(function)["uuid"], kind, **options)
        if kind in COUNTED and options.get("times", 1):
            self.witness.expect_strikes(
                f"{kind} at the {function}",
                lambda: int(self.mapping(function)["faults"][kind]["done"]),
            )

    def inject(self, rule: Rule, name: str, *, required: bool = True) -> Injection:
        """A fault of the proxy's (bitacora/faults/rules.py) under a name that readers understand;
        it has to strike, or the scenario is unknown."""
        injection = self.proxy.inject(rule)
        self.witness.expect_strikes(
            name, lambda: injection.applied, required=required, moments=injection.moments
        )
        return injection

    def stop_database(self, *, kill: bool = False) -> None:
        """Until `end_faults`; `kill` as a crash would, otherwise as a maintenance does."""
        postgres = self.environment.postgres
        self.stopped.append("the database")
        postgres.kill() if kill else postgres.stop()
        self.witness.struck("the database is " + ("killed" if kill else "stopped"), 1)

    def end_faults(self) -> None:
        """Of what stands between functions and stores, of the stores, and of every mapping."""
        if not isinstance(self.target, Embedded):
            return
        self.proxy.clear()
        if self.stopped:
            self.environment.postgres.start()
            self.stopped.clear()
        for mapping in self.environment.delivery.mappings():
            for kind in COUNTED:
                if mapping["faults"][kind]["armed"]:
                    self.environment.delivery.fault(mapping["uuid"], kind, times=0)
            for shard in mapping["faults"]["delay_ms"]:
                options = {} if shard == "*" else {"shard": shard}
                self.environment.delivery.fault(mapping["uuid"], "delay_ms", ms=0, **options)
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
        """What is not at rest: shards that are behind, as far as the target can tell, and queues
        that hold messages."""
        behind = self._behind() if isinstance(self.target, Embedded) else {}
        sqs = self.target.client("sqs")
        counts = {
            name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(QUEUE_COUNTS))
            for name, url in self.outputs["queues"].items()
        }
        waiting = {
            name: found["Attributes"]
            for name, found in counts.items()
            if any(int(count) for count in found["Attributes"].values())
        }
        return behind | waiting

    def _behind(self) -> dict[str, Any]:
        return {
            mapping["function"]: mapping["shards"] or mapping["last_error"]
            for mapping in self.environment.delivery.mappings()
            if not mapping["caught_up"]
        }
