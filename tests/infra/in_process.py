"""The real program, run in this process under Pulumi's mocks: what it registers and exports."""

import asyncio
import json
import os
import runpy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml  # type: ignore[import-untyped]
from pulumi.runtime import mocks, rpc, settings, stack

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "111122223333", "eu-west-1"
INVOKES: dict[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": REGION},
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        "names": [f"{REGION}a", f"{REGION}b", f"{REGION}c"]
    },
}
SECRET = ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270")


@dataclass(frozen=True)
class Resource:
    """One registered resource; `inputs` and `outputs` have Pulumi's camelCase keys."""

    type: str
    name: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    parent: str = ""
    protect: bool = False
    delete_before_replace: bool = False


@dataclass
class Program:
    resources: list[Resource] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> list[Resource]:
        """Resources of a type like "sqs/queue:Queue", in order of registration."""
        return [r for r in self.resources if r.type == f"aws:{type_}"]

    def one(self, type_: str, name: str) -> Resource:
        (found,) = (r for r in self.of(type_) if r.name == name)
        return found


def stack_config(stack: str, **overrides: str) -> dict[str, str]:
    """As the CLI merges it: Pulumi.yaml, the stack's own file, overrides of `kit:` keys."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    own = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
    merged = {key: entry["value"] for key, entry in project["config"].items()} | own["config"]
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in merged.items()}
    return texts | {f"kit:{key}": value for key, value in overrides.items()}


def run(config: dict[str, str], stack_name: str) -> Program:
    """Run infra/__main__.py. Raises what the program raises."""
    program = Program()
    monitor = Recorder(program)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings.set_root_resource(None)  # type: ignore[arg-type]
    pulumi.runtime.set_all_config(config)
    mocks.set_mocks(
        monitor.mocks, project="bitacora", stack=stack_name, preview=False, monitor=monitor
    )
    root: Any = settings.get_root_resource()
    here = Path.cwd()

    def body() -> None:
        runpy.run_path(str(ROOT / "infra" / "__main__.py"), run_name="__main__")
        pulumi.Output.all(**root.outputs).apply(program.exports.update)

    try:
        os.chdir(ROOT / "infra")
        loop.run_until_complete(stack.run_pulumi_func(body))
    finally:
        os.chdir(here)
        asyncio.set_event_loop(None)
        loop.close()
    return program


class Recorder(mocks.MockMonitor):
    """Keeps what the mocks do not see: parent, protection, replacement order."""

    def __init__(self, program: Program) -> None:
        super().__init__(Answers())
        self.program = program

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the monitor's own name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        self.program.resources.append(
            Resource(
                type=request.type,
                name=request.name,
                urn=response.urn,
                inputs=plain(rpc.deserialize_properties(request.object)),
                outputs={"id": response.id, **plain(rpc.deserialize_properties(response.object))},
                parent=request.parent,
                protect=request.protect,
                delete_before_replace=request.deleteBeforeReplace,
            )
        )
        return response


class Answers(mocks.Mocks):
    """Gives each resource the outputs of AWS that the program or the checks read."""

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]
        return dict(INVOKES[args.token])

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = args.inputs
        if not args.custom:
            return "", inputs
        physical = next((inputs[key] for key in PHYSICAL_NAMES if key in inputs), args.name)
        arn = ARNS.get(args.typ.removeprefix("aws:"))
        outputs = {**inputs, **({"arn": arn(inputs, physical)} if arn else {})}
        outputs |= more_outputs(args.typ.removeprefix("aws:"), physical, inputs)
        return outputs.pop("id", f"{args.name}-id"), outputs


PHYSICAL_NAMES = ("name", "bucket", "clusterIdentifier", "identifier", "layerName", "alarmName")


def arn(service: str, resource: str) -> Any:
    return lambda _, name: f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource.format(name)}"


ARNS: dict[str, Any] = {
    "dynamodb/table:Table": arn("dynamodb", "table/{}"),
    "kinesis/stream:Stream": arn("kinesis", "stream/{}"),
    "sqs/queue:Queue": arn("sqs", "{}"),
    "sns/topic:Topic": arn("sns", "{}"),
    "lambda/function:Function": arn("lambda", "function:{}"),
    "lambda/layerVersion:LayerVersion": arn("lambda", "layer:{}:1"),
    "cloudwatch/eventBus:EventBus": arn("events", "event-bus/{}"),
    "cloudwatch/logGroup:LogGroup": arn("logs", "log-group:{}"),
    "cloudwatch/metricAlarm:MetricAlarm": arn("cloudwatch", "alarm:{}"),
    "cloudwatch/eventRule:EventRule": lambda inputs, name: (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/"
        + "/".join(part for part in (inputs.get("eventBusName"), name) if part)
    ),
    "kms/key:Key": arn("kms", "key/{}"),
    "iam/role:Role": lambda _, name: f"arn:aws:iam::{ACCOUNT}:role/{name}",
    "s3/bucket:Bucket": lambda _, name: f"arn:aws:s3:::{name}",
    "rds/cluster:Cluster": arn("rds", "cluster:{}"),
}


def more_outputs(type_: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    match type_:
        case "dynamodb/table:Table" if inputs.get("streamEnabled"):
            table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
            return {"streamArn": f"{table}/stream/2026-01-01T00:00:00.000"}
        case "sqs/queue:Queue":
            url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
            return {"url": url, "id": url}
        case "lambda/function:Function":
            invoked = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}/invocations"
            path = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
            return {"invokeArn": f"{path}/{invoked}"}
        case "apigatewayv2/api:Api":
            return {
                "id": "api1",
                "apiEndpoint": f"https://api1.execute-api.{REGION}.amazonaws.com",
                "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api1",
            }
        case "kms/key:Key":
            return {"keyId": name}
        case "ec2/vpcEndpoint:VpcEndpoint":
            return {"prefixListId": f"pl-{name}"}
        case "rds/cluster:Cluster":
            secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-1"
            return {
                "endpoint": f"{name}.cluster-1.{REGION}.rds.amazonaws.com",
                "clusterResourceId": "cluster-RESOURCE1",
                "masterUserSecrets": [{"secretArn": secret}],
            }
    return {}


def plain(value: Any) -> Any:
    """Secrets unwrapped, whole numbers as int: protobuf knows only floats."""
    if isinstance(value, dict):
        if value.get(SECRET[0]) == SECRET[1]:
            return plain(value["value"])
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
