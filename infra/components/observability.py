"""Alarms on what a promise would break by, and one page that shows the two ways of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.capability import Inventory
from infra.components.message_key import MessageKey
from infra.components.topic import ServiceTopic, ServiceTopicArgs
from infra.deployment import Deployment

MINUTE_S = 60
# Far beyond a healthy lag, and long before records are given up (event_sources.RECORD_AGE_S).
BEHIND_MS = 5 * 60 * 1000


# A heartbeat comes each minute: of so many one at least must have come through.
HEARTBEATS = 5


@dataclass(frozen=True)
class Metric:
    """A metric with one dimension, or with the shard of the log as a second."""

    namespace: str
    name: str
    dimension: str


ERRORS = Metric("AWS/Lambda", "Errors", "FunctionName")
DURATION = Metric("AWS/Lambda", "Duration", "FunctionName")
ITERATOR_AGE = Metric("AWS/Lambda", "IteratorAge", "FunctionName")
DEPTH = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
# The functions' own (reference_service/aws/metrics.py).
PARKED = Metric("Bitacora", "Parked", "Function")
ALTERATIONS = Metric("Bitacora", "Alterations", "Function")
ANCHORS = Metric("Bitacora", "Anchors", "Function")
# Periods without an anchor before somebody is called.
MISSED_ANCHORS = 3
HEARTBEAT_LAG = Metric("Bitacora", "HeartbeatLag_ms", "Function")


@dataclass(frozen=True)
class Watch:
    """An alarm named `key`: the metric of `of` (a function, a queue) went above a limit.

    Of one `shard` of the log, if one is given. With `heard_of` the metric must also be told within
    that many minutes.
    """

    key: str
    metric: Metric
    of: pulumi.Input[str]
    means: str
    above: int = 0
    shard: int | None = None
    heard_of: int | None = None


@dataclass(frozen=True)
class ObservabilityArgs:
    deployment: Deployment
    message_key: MessageKey
    inventory: Inventory


class Observability(pulumi.ComponentResource):
    """Outputs: alarms (the topic's arn; subscribe people to it)."""

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Observability", name, None, opts)
        self.deployment, self.child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.topic = ServiceTopic(
            "alarms",
            ServiceTopicArgs(
                deployment=args.deployment,
                key="alarms",
                message_key=args.message_key,
                publishers=["cloudwatch.amazonaws.com"],
            ),
            self.child,
        )
        settings = args.deployment.settings
        shards = settings.size.log_shards if settings.heartbeat else 0
        for watch in watches(args.inventory, shards):
            self._alarm(watch)
        self._alarm_without_anchors(args.inventory)
        self._dashboard(args.inventory)
        self.register_outputs({"alarms": self.topic.arn})

    def _alarm(self, watch: Watch) -> None:
        shard = {} if watch.shard is None else {"Shard": str(watch.shard)}
        aws.cloudwatch.MetricAlarm(
            watch.key,
            name=self.deployment.name(watch.key),
            alarm_description=watch.means,
            namespace=watch.metric.namespace,
            metric_name=watch.metric.name,
            dimensions={watch.metric.dimension: watch.of, **shard},
            statistic="Maximum",
            period=MINUTE_S * (watch.heard_of or 1),
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=watch.above,
            treat_missing_data="breaching" if watch.heard_of else "notBreaching",
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            opts=self.child,
        )

    def _alarm_without_anchors(self, inventory: Inventory) -> None:
        """Silence is no health here. A period is an hour at least: a run may be one of several."""
        [anchor] = [function.name for function in inventory.functions if function.key == "anchor"]
        aws.cloudwatch.MetricAlarm(
            "anchors-missing",
            name=self.deployment.name("anchors-missing"),
            alarm_description="no anchor was completed for long: a cut-off tail would not be found",
            namespace=ANCHORS.namespace,
            metric_name=ANCHORS.name,
            dimensions={ANCHORS.dimension: anchor},
            statistic="Sum",
            period=max(60, self.deployment.settings.anchor_minutes) * MINUTE_S,
            evaluation_periods=MISSED_ANCHORS,
            comparison_operator="LessThanThreshold",
            threshold=1,
            treat_missing_data="breaching",
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            opts=self.child,
        )

    def _dashboard(self, inventory: Inventory) -> None:
        functions = [function.name for function in inventory.functions]
        readers = [function.name for function in inventory.stream_readers]
        letters = [queue.name for queue in inventory.dead_letters]
        graphs = [
            self._graph("Behind the stream (ms)", ITERATOR_AGE, readers),
            self._graph("Dead letters", DEPTH, letters),
            self._graph("Errors", ERRORS, functions),
            self._graph("Duration (ms)", DURATION, functions),
        ]
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=self.deployment.prefix,
            dashboard_body=pulumi.Output.json_dumps({"widgets": graphs}),
            opts=self.child,
        )

    def _graph(self, title: str, metric: Metric, of: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
        lines = [[metric.namespace, metric.name, metric.dimension, each] for each in of]
        properties = {
            "title": title,
            "region": self.deployment.region,
            "stat": "Maximum",
            "period": MINUTE_S,
            "metrics": lines,
        }
        return {"type": "metric", "width": 12, "height": 6, "properties": properties}


def watches(inventory: Inventory, shards: int) -> list[Watch]:
    """Every function's errors, every stream's reader, every dead letter, and broken promises.

    `shards` are those of the log that have heartbeats.
    """
    readers = inventory.stream_readers
    names = {function.key: function.name for function in readers}
    relay, projector = names["relay"], names["projector"]
    rewritten = "a stored commit was changed or removed; see the evidence bucket"
    return [
        Watch("history-rewritten", ALTERATIONS, relay, rewritten),
        *(Watch(f"{f.key}-errors", ERRORS, f.name, f"{f.key} fails") for f in inventory.functions),
        *(
            Watch(f"{f.key}-behind", ITERATOR_AGE, f.name, f"{f.key} is behind", BEHIND_MS)
            for f in readers
        ),
        *(
            Watch(f"{f.key}-parked", PARKED, f.name, f"{f.key} parked a stream: repair it")
            for f in readers
        ),
        *(
            Watch(
                f"heartbeat-{shard}-late",
                HEARTBEAT_LAG,
                projector,
                f"no fresh heartbeat of shard {shard} reaches the read model",
                BEHIND_MS,
                shard,
                HEARTBEATS,
            )
            for shard in range(shards)
        ),
        *(
            Watch(f"{q.key}-depth", DEPTH, q.name, f"{q.key} holds what nobody could handle")
            for q in inventory.dead_letters
        ),
    ]
