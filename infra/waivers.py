"""Controls of AWS Security Hub that a part of the topology does not meet, and why.

tests/infra/test_controls.py checks every other control on every resource, and that nothing waived
here would pass by now. https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiver:
    """`resource` is its name in the program; `when` the kind of stack it is for, "" for any."""

    control: str
    resource: str
    reason: str
    when: str = ""


WAIVERS = (
    Waiver(
        "S3.15",
        "failures-bucket",
        "Failed batches are work to be done, not evidence: they end after 90 days, repaired long "
        "before.",
    ),
    Waiver("DynamoDB.6", "events", "The stack is made to be thrown away.", "disposable"),
    Waiver("DynamoDB.6", "parked", "The stack is made to be thrown away.", "disposable"),
    Waiver("DynamoDB.6", "shipments", "The stack is made to be thrown away.", "disposable"),
    Waiver("DynamoDB.6", "personal-keys", "The stack is made to be thrown away.", "disposable"),
    Waiver(
        "DynamoDB.2",
        "personal-keys",
        "A key that was destroyed must be gone: a backup would bring back every customer who was "
        "erased since. Losing the table loses the addresses in orders, and nothing else.",
    ),
    Waiver("DynamoDB.6", "order-status", "The stack is made to be thrown away.", "disposable"),
    Waiver(
        "DynamoDB.6",
        "snapshots",
        "Snapshots are made again from the event store; deleting them changes nothing but time.",
        "snapshots",
    ),
    Waiver(
        "DynamoDB.2",
        "snapshots",
        "There is nothing to restore: snapshots are made again from the event store.",
        "snapshots",
    ),
    Waiver("RDS.7", "read-models", "The stack is made to be thrown away.", "disposable"),
    Waiver(
        "RDS.15",
        "read-models",
        "The read models can be rebuilt from the event store; Aurora's storage is in three zones "
        "anyway.",
        "small",
    ),
)

# Controls without a resource in this program.
ACCOUNT_WIDE = {
    "S3.1": "Block Public Access of the account is its owner's switch; every bucket sets its own.",
    "DynamoDB.4": "Backup plans are the account's; every table is restorable to any second of "
    "35 days.",
    "EC2.10": "Nothing in the subnets calls EC2's API; an endpoint for it would cost for nothing.",
    "RDS.43": "No RDS proxy: few functions connect, each keeps one connection.",
    "SecretsManager.1": "RDS makes the only secret and rotates it every 7 days.",
    "SecretsManager.4": "RDS makes the only secret and rotates it every 7 days.",
    "RDS.35": "Is about Multi-AZ DB clusters; Aurora's instances upgrade minor versions (RDS.13).",
}

# Wildcards that AWS leaves no other form for, by the end of the resource.
WILDCARDS = {
    "/*": "the objects of one named bucket",
    ":*": "the log streams of one named log group",
}

# Wildcard actions, by the policy and the action.
WILDCARD_ACTIONS = {
    ("personal-keys", "kms:*"): "As for messages.",
    ("messages", "kms:*"): "AWS's default for a key: the account's roles decide by their policies. "
    "Without it a key can become unmanageable; in a key's policy the resource `*` is the key.",
}

# AWS's own policies, attached where their actions take no resource.
MANAGED_POLICIES = {
    "AWSLambdaVPCAccessExecutionRole": "network interfaces have no names before they exist",
    "AmazonRDSEnhancedMonitoringRole": "RDS writes to a log group of its own, RDSOSMetrics",
}
