"""Who calls whom on the topology's behalf, and whether it is let in.

Each call that AWS makes between two resources (a rule to its target, a mapping to its stream, an
alarm to its topic) is an edge of the graph of registered resources, with the grant that it needs on
AWS. Emulators let most of them pass, so the embedded engine checks them here, before an event can
be lost. What a function's own code calls is no edge: the embedded cloud checks that itself, except
for the key of an encrypted topic.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bitacora.provision.access import Call, Decision
from bitacora.provision.graph import Graph, known, label
from bitacora.provision.registered import Registered

KEY_USES = ("kms:GenerateDataKey", "kms:Decrypt")
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, with-kinesis.html, with-sqs.html
READS = {
    "dynamodb": ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"),
    "kinesis": (
        "DescribeStream",
        "DescribeStreamSummary",
        "GetRecords",
        "GetShardIterator",
        "ListShards",
    ),
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
}
SENDS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
VPC_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
MONITORING_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"


@dataclass(frozen=True)
class Edge:
    """`source` and `target` are ARNs; `reason` is what grants the call, or what it lacks."""

    source: str
    target: str
    action: str
    mechanism: str
    granted: bool
    reason: str

    def __str__(self) -> str:
        answer = "granted" if self.granted else "not granted"
        return (
            f"{label(self.source)} -> {label(self.target)}: {self.action} is {answer} by "
            f"{self.mechanism}: {self.reason}"
        )


def edges(resources: Sequence[Registered]) -> list[Edge]:
    """Every call between two of the resources, in order of registration."""
    graph = Graph(resources)
    return [
        edge
        for resource in resources
        if resource.type in CALLERS
        for edge in CALLERS[resource.type](graph, resource)
    ]


def missing(resources: Sequence[Registered]) -> list[Edge]:
    """The edges that AWS would refuse."""
    return [edge for edge in edges(resources) if not edge.granted]


def event_target(graph: Graph, target: Registered) -> Iterator[Edge]:
    """EventBridge names the rule to queues and functions; to topics and keys it names nothing.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    rule = graph.rule(target.inputs.get("eventBusName"), target.inputs["rule"])
    yield from _service_sends(graph, "events.amazonaws.com", rule, target.inputs["arn"])
    if letters := target.inputs.get("deadLetterConfig"):
        yield from _service_sends(graph, "events.amazonaws.com", rule, letters["arn"])


def subscription(graph: Graph, subscription: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html"""
    topic = subscription.inputs["topic"]
    yield from _service_sends(graph, "sns.amazonaws.com", topic, subscription.inputs["endpoint"])
    if redrive := subscription.inputs.get("redrivePolicy"):
        letters = json.loads(redrive)["deadLetterTargetArn"]
        yield from _service_sends(graph, "sns.amazonaws.com", topic, letters)


def bucket_notification(graph: Graph, notification: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"""
    bucket = f"arn:aws:s3:::{notification.inputs['bucket']}"
    for kind, key in (
        ("queues", "queueArn"),
        ("topics", "topicArn"),
        ("lambdaFunctions", "lambdaFunctionArn"),
    ):
        for each in notification.inputs.get(kind, ()):
            yield from _service_sends(graph, "s3.amazonaws.com", bucket, each[key])


def route(graph: Graph, route: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""
    api = graph.one("aws:apigatewayv2/api:Api", "id", route.inputs["apiId"])
    integration = graph.one(
        "aws:apigatewayv2/integration:Integration",
        "id",
        route.inputs["target"].removeprefix("integrations/"),
    )
    function = integration.inputs["integrationUri"].partition("/functions/")[2]
    method, path = route.inputs["routeKey"].split(" ", 1)
    source = f"{known(api, 'executionArn')}/$default/{method}{path}"
    target = function.removesuffix("/invocations")
    yield from _service_sends(graph, "apigateway.amazonaws.com", source, target)


def alarm(graph: Graph, alarm: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"""
    actions = (*alarm.inputs.get("alarmActions", ()), *alarm.inputs.get("okActions", ()))
    for topic in dict.fromkeys(actions):
        region, account = topic.split(":")[3:5]
        source = f"arn:aws:cloudwatch:{region}:{account}:alarm:{alarm.inputs['name']}"
        yield from _service_sends(graph, "cloudwatch.amazonaws.com", source, topic)


def mapping(graph: Graph, mapping: Registered) -> Iterator[Edge]:
    """Lambda polls with the function's role, and writes what failed with it."""
    role, source = graph.role_of(mapping.inputs["functionName"]), mapping.inputs["eventSourceArn"]
    service = source.split(":")[2]
    for action in READS[service]:
        yield _role_calls(graph, role, f"{service}:{action}", source)
    failed = mapping.inputs.get("destinationConfig", {}).get("onFailure", {}).get("destinationArn")
    if failed:
        yield from _role_sends(graph, role, failed)


def async_invocation(graph: Graph, config: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    role = graph.role_of(config.inputs["functionName"])
    for when in ("onFailure", "onSuccess"):
        if destination := config.inputs.get("destinationConfig", {}).get(when):
            yield from _role_sends(graph, role, destination["destination"])


def function(graph: Graph, function: Registered) -> Iterator[Edge]:
    role = function.inputs["role"]
    yield _assumes(graph, "lambda.amazonaws.com", known(function, "arn"), role)
    if group := function.inputs.get("loggingConfig", {}).get("logGroup"):
        yield from _writes_logs(graph, role, group)
    if function.inputs.get("vpcConfig"):
        yield _attached(graph, role, VPC_POLICY, "ec2:CreateNetworkInterface")


def flow_log(graph: Graph, log: Registered) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    role, vpc = log.inputs["iamRoleArn"], log.inputs["vpcId"]
    yield _assumes(graph, "vpc-flow-logs.amazonaws.com", vpc, role)
    yield from _writes_logs(graph, role, log.inputs["logDestination"].rpartition("log-group:")[2])


def database_instance(graph: Graph, instance: Registered) -> Iterator[Edge]:
    if role := instance.inputs.get("monitoringRoleArn"):
        source = instance.inputs["identifier"]
        yield _assumes(graph, "monitoring.rds.amazonaws.com", source, role)
        yield _attached(graph, role, MONITORING_POLICY, "logs:PutLogEvents")


def queue(graph: Graph, queue: Registered) -> Iterator[Edge]:
    """A dead-letter queue may name the queues that may use it.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    if not (redrive := queue.inputs.get("redrivePolicy")):
        return
    source, target = known(queue, "arn"), json.loads(redrive)["deadLetterTargetArn"]
    admitted = [
        source_arn
        for policy in graph.of("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
        if graph.queue_arn(policy.inputs["queueUrl"]) == target
        for source_arn in json.loads(policy.inputs["redriveAllowPolicy"])["sourceQueueArns"]
    ]
    decision = _only(source in admitted, f"a redrive allow policy that names {label(source)}")
    yield _edge(source, target, "sqs:redrive", f"policy of {label(target)}", decision)


def stage(graph: Graph, stage: Registered) -> Iterator[Edge]:
    """AWS itself lets API Gateway's log delivery into groups under /aws/vendedlogs/.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    if settings := stage.inputs.get("accessLogSettings"):
        group = settings["destinationArn"]
        vended = _only(":log-group:/aws/vendedlogs/" in group, "a name under /aws/vendedlogs/")
        api = graph.one("aws:apigatewayv2/api:Api", "id", stage.inputs["apiId"])
        source = known(api, "executionArn")
        yield _edge(source, group, "logs:PutLogEvents", "vended logs", vended)


def role_policy(graph: Graph, policy: Registered) -> Iterator[Edge]:
    """A role that publishes to an encrypted topic uses the topic's key."""
    role = graph.one("aws:iam/role:Role", "name", policy.inputs["role"])
    for statement in json.loads(policy.inputs["policy"])["Statement"]:
        if statement["Effect"] == "Allow" and "sns:Publish" in statement["Action"]:
            for topic in statement["Resource"]:
                yield from _uses_key(graph, known(role, "arn"), topic)


CALLERS: Mapping[str, Callable[[Graph, Registered], Iterator[Edge]]] = {
    "aws:cloudwatch/eventTarget:EventTarget": event_target,
    "aws:sns/topicSubscription:TopicSubscription": subscription,
    "aws:s3/bucketNotification:BucketNotification": bucket_notification,
    "aws:apigatewayv2/route:Route": route,
    "aws:apigatewayv2/stage:Stage": stage,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
    "aws:lambda/eventSourceMapping:EventSourceMapping": mapping,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": async_invocation,
    "aws:lambda/function:Function": function,
    "aws:ec2/flowLog:FlowLog": flow_log,
    "aws:rds/clusterInstance:ClusterInstance": database_instance,
    "aws:sqs/queue:Queue": queue,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
}


def _service_sends(graph: Graph, service: str, source: str, target: str) -> Iterator[Edge]:
    """An AWS service hands a message to a queue, topic or function on behalf of `source`."""
    kind = target.split(":")[2]
    if kind not in SENDS:
        unknown = Decision(False, f"bitacora/provision/grants.py knows no grant for {kind}")
        yield _edge(source, target, f"{kind}:?", "unknown", unknown)
        return
    silent = service == "events.amazonaws.com" and kind == "sns"
    context = {} if silent else {"aws:SourceArn": source}
    decision = graph.service_may(service, Call(SENDS[kind], target, context))
    yield _edge(source, target, SENDS[kind], f"policy of {label(target)}", decision)
    if key := graph.key_of(target):
        for action in KEY_USES:
            decision = graph.service_may(service, Call(action, key))
            yield _edge(source, key, action, f"policy of {label(key)}", decision)


def _role_sends(graph: Graph, role: str, target: str) -> Iterator[Edge]:
    """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""
    kind = target.split(":")[2]
    if kind == "s3":
        yield _role_calls(graph, role, "s3:PutObject", f"{target}/aws/lambda/batch")
        yield _role_calls(graph, role, "s3:ListBucket", target)
        return
    yield _role_calls(graph, role, SENDS[kind], target)
    yield from _uses_key(graph, role, target)


def _uses_key(graph: Graph, role: str, target: str) -> Iterator[Edge]:
    if key := graph.key_of(target):
        for action in KEY_USES:
            yield _role_calls(graph, role, action, key)


def _writes_logs(graph: Graph, role: str, group: str) -> Iterator[Edge]:
    arn = known(graph.one("aws:cloudwatch/logGroup:LogGroup", "name", group), "arn")
    stream = f"{arn.removesuffix(':*')}:log-stream:one"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield _role_calls(graph, role, action, stream)


def _role_calls(graph: Graph, role: str, action: str, target: str) -> Edge:
    decision = graph.role_may(role, Call(action, target))
    return _edge(role, target, action, f"policy of {label(role)}", decision)


def _assumes(graph: Graph, service: str, source: str, role: str) -> Edge:
    decision = graph.service_may(service, Call("sts:AssumeRole", role))
    return _edge(source, role, "sts:AssumeRole", f"trust policy of {label(role)}", decision)


def _attached(graph: Graph, role: str, policy: str, action: str) -> Edge:
    name = policy.rpartition("/")[2]
    decision = _only(policy in graph.attached_to(role), f"the managed policy {name}")
    return _edge(role, "*", action, f"managed policy of {label(role)}", decision)


def _only(allowed: bool, grant: str) -> Decision:
    return Decision(allowed, grant if allowed else f"needs {grant}")


def _edge(source: str, target: str, action: str, mechanism: str, decision: Decision) -> Edge:
    return Edge(source, target, action, mechanism, decision.allowed, decision.reason)
