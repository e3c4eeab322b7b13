"""DynamoDB tables."""

from typing import Any

from bitacora.provision.kinds import Made, New, kind


@kind("aws:dynamodb/table:Table")
def table(new: New) -> Made:
    name = new.take("name")
    keys = [(new.take("hashKey"), "HASH"), (new.take("rangeKey", None), "RANGE")]
    stream = {
        "StreamEnabled": new.take("streamEnabled", False),
        "StreamViewType": new.take("streamViewType", None),
    }
    recovery, ttl = new.take("pointInTimeRecovery", None), new.take("ttl", None)
    indexes = [index(one) for one in new.take("globalSecondaryIndexes", ())]
    with_indexes = {"globalSecondaryIndexes": indexes} if indexes else {}
    answer = new.create(
        "dynamodb",
        "CreateTable",
        {
            "attributes": "AttributeDefinitions",
            "serverSideEncryption": "SSESpecification",
            "serverSideEncryption.kmsKeyArn": "KMSMasterKeyId",
        },
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys if key],
        StreamSpecification=stream if stream["StreamEnabled"] else None,
        **new.translate(with_indexes, "dynamodb", "CreateTable"),
    )["TableDescription"]
    if recovery:
        aspect(new, name, "UpdateContinuousBackups", "pointInTimeRecoverySpecification", recovery)
    if ttl:
        aspect(new, name, "UpdateTimeToLive", "timeToLiveSpecification", ttl)
    outputs: dict[str, Any] = {"arn": answer["TableArn"]}
    if stream["StreamEnabled"]:
        outputs["streamArn"] = answer["LatestStreamArn"]
        outputs["streamLabel"] = answer["LatestStreamLabel"]
    return Made(name, outputs)


def index(inputs: dict[str, Any]) -> dict[str, Any]:
    """Grouped as the API groups them."""
    left = dict(inputs)
    shown = {
        name: left.pop(name) for name in ("projectionType", "nonKeyAttributes") if name in left
    }
    return {"keySchema": left.pop("keySchemas"), "projection": shown, **left}


def aspect(new: New, table: str, operation: str, member: str, settings: dict[str, Any]) -> None:
    """What the API takes only after the table is there."""
    renamed = {"pointInTimeRecoverySpecification.enabled": "PointInTimeRecoveryEnabled"}
    request = new.translate({member: settings}, "dynamodb", operation, renamed)
    new.send("dynamodb", operation, TableName=table, **request)


@kind("aws:dynamodb/resourcePolicy:ResourcePolicy")
def resource_policy(new: New) -> Made:
    arn = new.take("resourceArn")
    new.create("dynamodb", "PutResourcePolicy", ResourceArn=arn)
    return Made(arn)
