"""The public way: the publisher puts integration events on the bus, a rule each carries them on."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.event_sources import (
    may_keep_failed_batches,
    may_read_dynamodb_stream,
    read_stream,
)
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.message_key import MessageKey
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.service_queue import (
    DeadLetterQueue,
    DeadLetterQueueArgs,
    Redrive,
    Sender,
)
from infra.components.topic import ServiceTopic, ServiceTopicArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow, document
from infra.routing import Rule, events_for, rules
from reference_service.settings import PublisherSettings, environment

TOPIC = "order-events"
ARCHIVE_DAYS = 90
EVENTBRIDGE = "events.amazonaws.com"
# EventBridge's own longest and most: 24 hours, 185 attempts.
RETRY_AGE_S, RETRY_ATTEMPTS = 24 * 3600, 185


@dataclass(frozen=True)
class PublicationArgs:
    deployment: Deployment
    event_store: EventStore
    failures: Failures
    message_key: MessageKey


class Publication(Capability):
    """Outputs: bus_name, bus_arn, topic (arn). Functions: publisher.

    Attributes: rules by event name, `undelivered`, the queue of what the bus could not hand over.
    """

    def __init__(
        self, name: str, args: PublicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Publication", name, None, opts)
        self.deployment = args.deployment
        child = pulumi.ResourceOptions(parent=self)
        bus = self._bus()
        self.bus_name, self.bus_arn = bus.name, bus.arn
        self.topic = ServiceTopic(
            TOPIC,
            ServiceTopicArgs(
                deployment=args.deployment,
                key=TOPIC,
                message_key=args.message_key,
                publishers=[EVENTBRIDGE],
            ),
            child,
        )
        self.rules = {rule.event: self._rule(rule) for rule in rules()}
        self.undelivered = DeadLetterQueue(
            "undelivered-dlq",
            DeadLetterQueueArgs(
                deployment=args.deployment,
                key="undelivered-dlq",
                # To every target of its rule once more: all of them take repeats.
                redrive=Redrive(way="bus", to="bus"),
                senders=[
                    Sender(service=EVENTBRIDGE, source_arn=rule.arn) for rule in self.rules.values()
                ],
            ),
            child,
        )
        for event in events_for(TOPIC):
            self.target(event, "topic", self.topic.arn, self.topic.policy)
        self.publisher = self._publisher(args)
        self.functions = [self.publisher]
        self.dead_letters = [self.undelivered]
        self.stream_readers = [self.publisher]
        read_stream(
            self.publisher,
            source_arn=args.event_store.stream_arn,
            failures_arn=args.failures.bucket.arn,
            batch_size=100,
        )
        self.exports = {"bus_name": self.bus_name, "topic_arn": self.topic.arn}
        self.register_outputs({**self.exports, "bus_arn": self.bus_arn})

    def put_events(self) -> Statement:
        return allow("PutEvents", ["events:PutEvents"], self.bus_arn)

    def target(
        self, event: str, key: str, arn: pulumi.Input[str], policy: list[pulumi.Resource]
    ) -> None:
        """Carry the CloudEvent of `event` to `arn`; `policy` is what lets EventBridge in there."""
        rule = self.rules[event]
        aws.cloudwatch.EventTarget(
            f"{event}-{key}",
            rule=rule.name,
            event_bus_name=self.bus_name,
            target_id=key,
            arn=arn,
            input_path="$.detail",
            retry_policy={
                "maximum_event_age_in_seconds": RETRY_AGE_S,
                "maximum_retry_attempts": RETRY_ATTEMPTS,
            },
            dead_letter_config={"arn": self.undelivered.arn},
            opts=pulumi.ResourceOptions(
                parent=rule, depends_on=[*policy, *self.undelivered.policy]
            ),
        )

    def _bus(self) -> aws.cloudwatch.EventBus:
        child = pulumi.ResourceOptions(parent=self)
        bus = aws.cloudwatch.EventBus("bus", name=self.deployment.name("bus"), opts=child)
        publish = {
            **allow("AccountPublishes", ["events:PutEvents"], bus.arn),
            "Principal": {"AWS": f"arn:aws:iam::{self.deployment.account_id}:root"},
        }
        aws.cloudwatch.EventBusPolicy(
            "bus",
            event_bus_name=bus.name,
            policy=document([publish]),
            opts=child,
        )
        aws.cloudwatch.EventArchive(
            "archive",
            name=self.deployment.name("archive"),
            event_source_arn=bus.arn,
            retention_days=ARCHIVE_DAYS,
            opts=child,
        )
        return bus

    def _rule(self, rule: Rule) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            rule.event,
            name=self.deployment.name(rule.event),
            event_bus_name=self.bus_name,
            event_pattern=pulumi.Output.json_dumps(rule.pattern),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _publisher(self, args: PublicationArgs) -> ServiceFunction:
        return ServiceFunction(
            "publisher",
            ServiceFunctionArgs(
                deployment=args.deployment,
                key="publisher",
                timeout_s=60,
                environment=environment(
                    PublisherSettings,
                    events_table=args.event_store.table_name,
                    bus_name=self.bus_name,
                    parked_table=args.failures.parked.name,
                    writes=args.deployment.settings.writes,
                ),
                statements=[
                    may_read_dynamodb_stream(args.event_store.stream_arn),
                    args.event_store.read(),
                    self.put_events(),
                    allow("Park", ["dynamodb:PutItem"], args.failures.parked.arn),
                    *may_keep_failed_batches(args.failures.bucket.arn),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )
