"""A DynamoDB table laid out as the service's `tables.py` says."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.deployment import Deployment
from reference_service.tables import Index, Table


@dataclass(frozen=True, kw_only=True)
class ItemTableArgs:
    """`derived`: what it holds is made again by itself, so it is neither backed up nor guarded.

    `forgetful`: what is deleted from it must be gone, so it is guarded, and not backed up.
    """

    deployment: Deployment
    key: str
    layout: Table
    streamed: bool = False
    derived: bool = False
    forgetful: bool = False


class ItemTable(pulumi.ComponentResource):
    """Pays per request, restorable to any second of 35 days unless it is derived or forgetful.

    Outputs: name, arn, stream_arn, index_arn (of a layout that has one).
    """

    def __init__(
        self, name: str, args: ItemTableArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:ItemTable", name, None, opts)
        layout = args.layout
        guarded = args.deployment.settings.deletion_protection and not args.derived
        self.table = aws.dynamodb.Table(
            name,
            name=args.deployment.name(args.key),
            billing_mode="PAY_PER_REQUEST",
            hash_key=layout.partition.name,
            range_key=layout.sort.name if layout.sort else None,
            attributes=[{"name": key.name, "type": key.kind} for key in layout.keys],
            global_secondary_indexes=[_index(layout.index)] if layout.index else None,
            stream_enabled=args.streamed or None,
            stream_view_type="NEW_AND_OLD_IMAGES" if args.streamed else None,
            point_in_time_recovery={"enabled": not (args.derived or args.forgetful)},
            deletion_protection_enabled=guarded,
            opts=pulumi.ResourceOptions(parent=self, protect=guarded),
        )
        self.name, self.arn = self.table.name, self.table.arn
        self.stream_arn = self.table.stream_arn
        index = layout.index.name if layout.index else ""
        self.index_arn = pulumi.Output.concat(self.arn, f"/index/{index}")
        self.register_outputs({"name": self.name, "arn": self.arn})


def _index(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
    keys = ((index.partition.name, "HASH"), (index.sort.name, "RANGE"))
    return aws.dynamodb.TableGlobalSecondaryIndexArgs(
        name=index.name,
        key_schemas=[
            aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=name, key_type=kind)
            for name, kind in keys
        ],
        projection_type="INCLUDE",
        non_key_attributes=list(index.shown),
    )
