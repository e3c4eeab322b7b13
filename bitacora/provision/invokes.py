"""Functions of the AWS provider that a program may call: what the account and the region are."""

import json
from collections.abc import Mapping
from typing import Any

from bitacora.provision.cloud import Cloud
from bitacora.provision.errors import ProvisionError

ZONES = ("a", "b", "c")


def invoke(cloud: Cloud, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The result by Pulumi's names. Raises ProvisionError for any other function."""
    match token:
        case "aws:index/getCallerIdentity:getCallerIdentity":
            return {
                "accountId": cloud.account_id,
                "arn": f"arn:aws:iam::{cloud.account_id}:root",
                "userId": cloud.account_id,
                "id": cloud.account_id,
            }
        case "aws:index/getRegion:getRegion":
            return {"name": cloud.region, "region": cloud.region, "id": cloud.region}
        case "aws:index/getPartition:getPartition":
            return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}
        case "aws:index/getAvailabilityZones:getAvailabilityZones":
            zones = [cloud.region + zone for zone in ZONES]
            return {"names": zones, "id": cloud.region}
        case "aws:iam/getPolicyDocument:getPolicyDocument":
            return _policy_document(args)
        case _:
            raise ProvisionError(f"function {token} is not translated")


def _policy_document(args: Mapping[str, Any]) -> dict[str, Any]:
    unknown = args.keys() - {"statements", "version"}
    if unknown:
        raise ProvisionError(f"getPolicyDocument: not translated: {', '.join(sorted(unknown))}")
    document = {
        "Version": args.get("version", "2012-10-17"),
        "Statement": [_statement(statement) for statement in args["statements"]],
    }
    text = json.dumps(document)
    return {"json": text, "minifiedJson": text, "id": text}


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        "sid": "Sid",
        "effect": "Effect",
        "actions": "Action",
        "notActions": "NotAction",
        "resources": "Resource",
        "notResources": "NotResource",
    }
    result: dict[str, Any] = {"Effect": "Allow"}
    for key, value in statement.items():
        if key in plain:
            result[plain[key]] = value
        elif key == "principals":
            result["Principal"] = {p["type"]: p["identifiers"] for p in value}
        elif key == "conditions":
            conditions = result.setdefault("Condition", {})
            for condition in value:
                conditions.setdefault(condition["test"], {})[condition["variable"]] = condition[
                    "values"
                ]
        else:
            raise ProvisionError(f"getPolicyDocument: statement {key} is not translated")
    return result
