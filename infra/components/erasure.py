"""Erasure of personal data: the one function that may destroy a customer's key."""

import json
from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_sources import (
    may_keep_failed_batches,
    may_read_kinesis_stream,
    read_stream,
)
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.ordered_log import OrderedLog
from infra.components.personal_keys import PersonalKeys
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.deployment import Deployment
from reference_service.bootstrap import CUSTOMER
from reference_service.settings import ErasureSettings, environment

# Of an entry of the log, as reference_service.cqrs.relay writes it.
OF_CUSTOMERS = json.dumps({"data": {"stream": [{"prefix": CUSTOMER}]}})


@dataclass(frozen=True)
class ErasureArgs:
    deployment: Deployment
    event_store: EventStore
    ordered_log: OrderedLog
    failures: Failures
    personal_keys: PersonalKeys


class Erasure(Capability):
    """Functions: erasure. It is asked over HTTP, and finishes what the log tells of."""

    def __init__(
        self, name: str, args: ErasureArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Erasure", name, None, opts)
        self.erasure = ServiceFunction(
            "erasure",
            ServiceFunctionArgs(
                deployment=args.deployment,
                key="erasure",
                timeout_s=10,
                environment=environment(
                    ErasureSettings,
                    events_table=args.event_store.table_name,
                    personal_keys_table=args.personal_keys.table.name,
                ),
                statements=[
                    args.event_store.append(),
                    args.personal_keys.destroy(),
                    may_read_kinesis_stream(args.ordered_log.stream_arn),
                    *may_keep_failed_batches(args.failures.bucket.arn),
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        read_stream(
            self.erasure,
            source_arn=args.ordered_log.stream_arn,
            failures_arn=args.failures.bucket.arn,
            batch_size=100,
            only=OF_CUSTOMERS,
        )
        self.functions, self.stream_readers = [self.erasure], [self.erasure]
        self.register_outputs({})
