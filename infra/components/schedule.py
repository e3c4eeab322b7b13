"""A clock that invokes a function, and the dead letters of what it could not do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.publication import EVENTBRIDGE
from infra.components.service_function import ServiceFunction
from infra.components.service_queue import (
    DeadLetterQueue,
    DeadLetterQueueArgs,
    Redrive,
    Sender,
)
from infra.deployment import Deployment
from infra.policies import Statement, allow


@dataclass(frozen=True, kw_only=True)
class ScheduleArgs:
    """`key` names the rule, `function_key` the function whose dead letters these are.

    A rule that is not `enabled` stands there and does not go off.
    """

    deployment: Deployment
    key: str
    function_key: str
    minutes: int
    enabled: bool = True


class Schedule(pulumi.ComponentResource):
    """Made before its function, which must be granted `keep_undone`. Attribute: dead_letters."""

    def __init__(
        self, name: str, args: ScheduleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Schedule", name, None, opts)
        self.key, child = args.key, pulumi.ResourceOptions(parent=self)
        self.rule = aws.cloudwatch.EventRule(
            args.key,
            name=args.deployment.name(args.key),
            schedule_expression=f"rate({args.minutes} minute{'s' if args.minutes > 1 else ''})",
            state="ENABLED" if args.enabled else "DISABLED",
            opts=child,
        )
        letters = f"{args.function_key}-dlq"
        self.dead_letters = DeadLetterQueue(
            letters,
            DeadLetterQueueArgs(
                deployment=args.deployment,
                key=letters,
                redrive=Redrive(way="function", to=args.function_key),
                senders=[Sender(service=EVENTBRIDGE, source_arn=self.rule.arn)],
            ),
            child,
        )
        self.register_outputs({"dead_letters": self.dead_letters.url})

    def keep_undone(self) -> Statement:
        return allow("KeepUndone", ["sqs:SendMessage"], self.dead_letters.arn)

    def invoke(
        self,
        function: ServiceFunction,
        event: Mapping[str, Any],
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> None:
        """EventBridge invokes without waiting: what fails, there or here, becomes a dead letter."""
        child = pulumi.ResourceOptions(parent=self)
        permission = aws.lambda_.Permission(
            self.key,
            statement_id=self.key,
            action="lambda:InvokeFunction",
            function=function.name,
            principal=EVENTBRIDGE,
            source_arn=self.rule.arn,
            opts=child,
        )
        aws.lambda_.FunctionEventInvokeConfig(
            function.key,
            function_name=function.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=3600,
            destination_config={"on_failure": {"destination": self.dead_letters.arn}},
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            self.key,
            rule=self.rule.name,
            target_id=function.key,
            arn=function.arn,
            input=pulumi.Output.json_dumps(dict(event)),
            dead_letter_config={"arn": self.dead_letters.arn},
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[permission, *self.dead_letters.policy, *depends_on]
            ),
        )
