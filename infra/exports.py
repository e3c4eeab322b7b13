"""What a stack tells its tools: where its doors, stores, queues and functions are."""

from collections.abc import Sequence

import pulumi

from infra.components.capability import Capability, Inventory
from infra.deployment import Deployment


def export(deployment: Deployment, capabilities: Sequence[Capability], all_of: Inventory) -> None:
    """Read by `bitacora`: from the embedded engine, or from `pulumi stack output --json`."""
    pulumi.export("prefix", deployment.prefix)
    # Whether scenarios may be run on it: they leave orders behind, and dead letters of their own.
    pulumi.export("disposable", deployment.settings.disposable)
    pulumi.export("queues", {queue.key: queue.url for queue in all_of.queues})
    pulumi.export("functions", {function.key: function.name for function in all_of.functions})
    pulumi.export(
        "dead_letters",
        {
            queue.key: {"url": queue.url, "way": queue.redrive.way, "to": queue.redrive.to}
            for queue in all_of.dead_letters
        },
    )
    for capability in capabilities:
        for name, value in capability.exports.items():
            pulumi.export(name, value)
