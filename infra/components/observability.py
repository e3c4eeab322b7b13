"""Alarms on what a promise would break by, and one page that shows the two ways of an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.capability import Inventory
from infra.components.event_sources import RECORD_AGE_S
from infra.components.message_key import MessageKey
from infra.components.topic import ServiceTopic, ServiceTopicArgs
from infra.deployment import Deployment

# Where the functions' own metrics are (reference_service/aws/metrics.py).
NAMESPACE = "Bitacora"
PARKING = ("relay", "publisher", "projector")
# A consumer this far behind is stuck, and has most of the records' life left to be helped.
ITERATOR_AGE_MS = 5 * 60 * 1000
MINUTE_S = 60

assert ITERATOR_AGE_MS < RECORD_AGE_S * 1000


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
        for function in args.inventory.functions:
            self._alarm(
                f"{function.key}-errors",
                "AWS/Lambda",
                "Errors",
                {"FunctionName": function.name},
                description=f"{function.key} fails",
            )
        for consumer in args.inventory.stream_consumers:
            self._alarm(
                f"{consumer.function.key}-behind",
                "AWS/Lambda",
                "IteratorAge",
                {"FunctionName": consumer.function.name},
                threshold=ITERATOR_AGE_MS,
                description=f"{consumer.function.key} is behind its stream",
            )
        for queue in args.inventory.dead_letters:
            self._alarm(
                f"{queue.key}-depth",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": queue.name},
                description=f"{queue.key} holds messages that nobody could handle",
            )
        self._alarm(
            "history-rewritten",
            NAMESPACE,
            "Alterations",
            {"Function": "relay"},
            description="a stored commit was changed or removed; see the evidence bucket",
        )
        for key in PARKING:
            self._alarm(
                f"{key}-parked",
                NAMESPACE,
                "Parked",
                {"Function": key},
                description=f"{key} parked a stream; it waits for a repair",
            )
        self._dashboard(args)
        self.register_outputs({"alarms": self.topic.arn})

    def _alarm(
        self,
        key: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, pulumi.Input[str]],
        *,
        threshold: int = 0,
        description: str,
    ) -> None:
        aws.cloudwatch.MetricAlarm(
            key,
            name=self.deployment.name(key),
            alarm_description=description,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic="Maximum",
            period=MINUTE_S,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            opts=self.child,
        )

    def _dashboard(self, args: ObservabilityArgs) -> None:
        names = [function.name for function in args.inventory.functions]
        readers = [consumer.function.name for consumer in args.inventory.stream_consumers]
        letters = [queue.name for queue in args.inventory.dead_letters]
        widgets = [
            self._graph("Iterator age (ms)", "AWS/Lambda", "IteratorAge", "FunctionName", readers),
            self._graph("Errors", "AWS/Lambda", "Errors", "FunctionName", names),
            self._graph("Duration (ms)", "AWS/Lambda", "Duration", "FunctionName", names),
            self._graph(
                "Dead letters",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                "QueueName",
                letters,
            ),
        ]
        aws.cloudwatch.Dashboard(
            "dashboard",
            dashboard_name=self.deployment.prefix,
            dashboard_body=pulumi.Output.json_dumps({"widgets": widgets}),
            opts=self.child,
        )

    def _graph(
        self,
        title: str,
        namespace: str,
        metric: str,
        dimension: str,
        names: Sequence[pulumi.Input[str]],
    ) -> dict[str, Any]:
        return {
            "type": "metric",
            "width": 12,
            "height": 6,
            "properties": {
                "title": title,
                "region": self.deployment.region,
                "stat": "Maximum",
                "period": MINUTE_S,
                "metrics": [[namespace, metric, dimension, name] for name in names],
            },
        }
