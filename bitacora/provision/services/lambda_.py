"""Lambda functions, permissions, invocations."""

import json
from collections.abc import Mapping
from typing import Any

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind, update

FUNCTION = "aws:lambda/function:Function"
IN_PLACE = (
    "code",
    "description",
    "environment",
    "handler",
    "layers",
    "loggingConfig",
    "memorySize",
    "role",
    "runtime",
    "sourceCodeHash",
    "timeout",
    "vpcConfig",
)


@kind(FUNCTION)
def function(new: New) -> Made:
    new.leave("skipDestroy", "sourceCodeHash", "replaceSecurityGroupsOnDestroy")
    name, code = new.take("name"), new.take("code")
    reserved = new.take("reservedConcurrentExecutions", -1)
    answer = new.create(
        "lambda",
        "CreateFunction",
        FunctionName=name,
        Code={"ZipFile": code},
    )
    if reserved >= 0:
        new.send(
            "lambda",
            "PutFunctionConcurrency",
            FunctionName=name,
            ReservedConcurrentExecutions=reserved,
        )
    arn = answer["FunctionArn"]
    return Made(name, {"arn": arn, **_outputs(new, arn, answer)})


@update(FUNCTION, *IN_PLACE)
def function_again(new: New, name: str, differing: frozenset[str]) -> Mapping[str, Any]:
    code = new.take("code")
    new.leave("sourceCodeHash", *new.inputs.keys() - differing)
    if settings := new.rest("lambda", "UpdateFunctionConfiguration"):
        new.send("lambda", "UpdateFunctionConfiguration", FunctionName=name, **settings)
    if "code" not in differing:
        return {}
    answer = new.send("lambda", "UpdateFunctionCode", FunctionName=name, ZipFile=code)
    return {"codeSha256": answer["CodeSha256"]}


def _outputs(new: New, arn: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    invoke = (
        f"arn:aws:apigateway:{new.cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    )
    return {
        "invokeArn": invoke,
        "codeSha256": answer["CodeSha256"],
        "version": answer["Version"],
        "qualifiedArn": f"{arn}:{answer['Version']}",
    }


@kind("aws:lambda/permission:Permission")
def permission(new: New) -> Made:
    # Pulumi takes a function's name or its ARN; the API takes both as FunctionName.
    statement = new.take("statementId")
    new.create("lambda", "AddPermission", {"function": "FunctionName"}, StatementId=statement)
    return Made(statement)


@kind("aws:lambda/invocation:Invocation")
def invocation(new: New) -> Made:
    result = _invoke(new)
    return Made(f"{new.inputs['functionName']}-invocation", {"result": result})


@update("aws:lambda/invocation:Invocation", "input", "triggers")
def invocation_again(new: New, _id: str, _differing: frozenset[str]) -> Mapping[str, Any]:
    return {"result": _invoke(new)}


def _invoke(new: New) -> str:
    """Raises ProvisionError with the function's own error."""
    new.leave("triggers", "lifecycleScope", "terraformKey")
    payload = new.take("input").encode()
    answer = new.create("lambda", "Invoke", Payload=payload)
    result = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise ProvisionError(f"the function failed: {_fault(result)}")
    return str(result)


def _fault(result: str) -> str:
    """`errorType: errorMessage` of Lambda's error object, or the text as it came."""
    try:
        fault = json.loads(result)
        return f"{fault.get('errorType', 'Error')}: {fault['errorMessage']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return result


@kind("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def event_invoke_config(new: New) -> Made:
    new.create("lambda", "PutFunctionEventInvokeConfig")
    return Made(new.inputs["functionName"])


@kind("aws:lambda/layerVersion:LayerVersion")
def layer_version(new: New) -> Made:
    new.leave("skipDestroy", "sourceCodeHash")
    code = new.take("code")
    answer = new.create("lambda", "PublishLayerVersion", Content={"ZipFile": code})
    arn = answer["LayerVersionArn"]
    return Made(
        arn, {"arn": arn, "layerArn": answer["LayerArn"], "version": str(answer["Version"])}
    )
