"""Event source mappings: streams go to the delivery engine, queues to the emulator.

Lambda checks the function's role when a mapping is made; so does this file, by policy simulation,
because the emulator does not.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from bitacora.provision.errors import ProvisionError
from bitacora.provision.grants import READS
from bitacora.provision.kinds import Made, New, kind, update

TOKEN = "aws:lambda/eventSourceMapping:EventSourceMapping"
RENAMED = {"destinationConfig.onFailure.destinationArn": "Destination"}
STREAMS = ("dynamodb", "kinesis")
IN_PLACE = (
    "batchSize",
    "bisectBatchOnFunctionError",
    "destinationConfig",
    "enabled",
    "filterCriteria",
    "functionResponseTypes",
    "maximumBatchingWindowInSeconds",
    "maximumRecordAgeInSeconds",
    "maximumRetryAttempts",
    "parallelizationFactor",
    "scalingConfig",
)


@kind(TOKEN)
def mapping(new: New) -> Made:
    request, function = _checked(new)
    source, arn = request["EventSourceArn"], function["FunctionArn"]
    if _service(source) in STREAMS:
        # The same mapping keeps its id, and with it its checkpoints.
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source} {arn}"))
        new.cloud.delivery.put_mapping(id_, {**request, "FunctionName": arn})
    else:
        id_ = new.send("lambda", "CreateEventSourceMapping", **request)["UUID"]
    return Made(id_, {"uuid": id_, "functionArn": arn})


@update(TOKEN, *IN_PLACE)
def mapping_again(new: New, id_: str, _differing: frozenset[str]) -> Mapping[str, Any]:
    request, function = _checked(new)
    source = request["EventSourceArn"]
    if _service(source) in STREAMS:
        new.cloud.delivery.put_mapping(id_, {**request, "FunctionName": function["FunctionArn"]})
    else:
        changes = {name: value for name, value in request.items() if name != "EventSourceArn"}
        new.send("lambda", "UpdateEventSourceMapping", UUID=id_, **changes)
    return {}


def _checked(new: New) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request, and the configuration of the function whose role may do what it needs."""
    request = new.rest("lambda", "CreateEventSourceMapping", RENAMED)
    new.check("lambda", "CreateEventSourceMapping", request)
    function = new.send("lambda", "GetFunctionConfiguration", FunctionName=request["FunctionName"])
    _check_role(new, function["Role"], request)
    return request, function


def needs(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(action, resource) that a mapping does with its function's role."""
    source = request["EventSourceArn"]
    service = _service(source)
    required = [(f"{service}:{action}", source) for action in READS[service]]
    destination = request.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination:
        match _service(destination):
            case "s3":
                required += [("s3:PutObject", f"{destination}/*"), ("s3:ListBucket", destination)]
            case "sqs":
                required.append(("sqs:SendMessage", destination))
            case "sns":
                required.append(("sns:Publish", destination))
            case other:
                raise ProvisionError(f"a failed batch can't go to {other} ({destination})")
    return required


def _check_role(new: New, role: str, request: Mapping[str, Any]) -> None:
    """Raises ProvisionError naming every action that the role lacks."""
    by_resource: dict[str, list[str]] = {}
    for action, resource in needs(request):
        by_resource.setdefault(resource, []).append(action)
    missing = [
        f"{result['EvalActionName']} on {resource}"
        for resource, actions in by_resource.items()
        for result in _simulate(new, role, actions, resource)
        if result["EvalDecision"] != "allowed"
    ]
    if missing:
        raise ProvisionError(
            f"role {role.rsplit('/', 1)[-1]} lacks {', '.join(missing)};"
            " grant it, and let the mapping depend on the policy"
        )


def _simulate(new: New, role: str, actions: list[str], resource: str) -> list[dict[str, Any]]:
    answer = new.send(
        "iam",
        "SimulatePrincipalPolicy",
        PolicySourceArn=role,
        ActionNames=actions,
        ResourceArns=[resource],
    )
    results: list[dict[str, Any]] = answer["EvaluationResults"]
    if len(results) != len(actions):
        raise ProvisionError(f"simulated {len(actions)} actions, got {len(results)} results")
    return results


def _service(arn: str) -> str:
    service = arn.split(":")[2] if arn.startswith("arn:") else arn
    if service not in (*READS, "s3", "sns"):
        raise ProvisionError(f"events from or to {service} are not translated ({arn})")
    return service
