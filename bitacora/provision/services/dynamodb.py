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
    recovery = new.take("pointInTimeRecovery", None)
    ttl = new.take("ttl", None)
    answer = new.create(
        "dynamodb",
        "CreateTable",
        {
            "attributes": "AttributeDefinitions",
            "serverSideEncryption": "SSESpecification",
            "serverSideEncryption.kmsKeyArn": "KMSMasterKeyId",
            "readCapacity": "ReadCapacityUnits",
        },
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys if key],
        StreamSpecification=stream if stream["StreamEnabled"] else None,
    )["TableDescription"]
    if recovery:
        new.send(
            "dynamodb",
            "UpdateContinuousBackups",
            TableName=name,
            PointInTimeRecoverySpecification=new.translate(
                {"pointInTimeRecoverySpecification": recovery},
                "dynamodb",
                "UpdateContinuousBackups",
                {
                    "pointInTimeRecoverySpecification.enabled": "PointInTimeRecoveryEnabled",
                },
            )["PointInTimeRecoverySpecification"],
        )
    if ttl:
        new.send(
            "dynamodb",
            "UpdateTimeToLive",
            TableName=name,
            TimeToLiveSpecification={
                "AttributeName": ttl["attributeName"],
                "Enabled": ttl["enabled"],
            },
        )
    outputs: dict[str, Any] = {"arn": answer["TableArn"]}
    if stream["StreamEnabled"]:
        outputs["streamArn"] = answer["LatestStreamArn"]
        outputs["streamLabel"] = answer["LatestStreamLabel"]
    return Made(name, outputs)
