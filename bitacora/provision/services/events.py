"""EventBridge buses, rules, targets and archives."""

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind

DEFAULT_BUS = "default"


@kind("aws:cloudwatch/eventBus:EventBus")
def bus(new: New) -> Made:
    arn = new.create("events", "CreateEventBus")["EventBusArn"]
    return Made(new.inputs["name"], {"arn": arn})


@kind("aws:cloudwatch/eventBusPolicy:EventBusPolicy")
def bus_policy(new: New) -> Made:
    bus = new.take("eventBusName", DEFAULT_BUS)
    new.create("events", "PutPermission", EventBusName=bus)
    return Made(bus)


@kind("aws:cloudwatch/eventArchive:EventArchive")
def archive(new: New) -> Made:
    name = new.take("name")
    arn = new.create("events", "CreateArchive", ArchiveName=name)["ArchiveArn"]
    return Made(name, {"arn": arn})


@kind("aws:cloudwatch/eventRule:EventRule", "eventPattern", "scheduleExpression", "description")
def rule(new: New) -> Made:
    new.leave("forceDestroy")
    name, bus = new.inputs["name"], new.inputs.get("eventBusName", DEFAULT_BUS)
    arn = new.create("events", "PutRule")["RuleArn"]
    return Made(name if bus == DEFAULT_BUS else f"{bus}/{name}", {"arn": arn})


@kind(
    "aws:cloudwatch/eventTarget:EventTarget",
    *("arn", "deadLetterConfig", "input", "inputPath", "retryPolicy"),
)
def target(new: New) -> Made:
    new.leave("forceDestroy")
    rule, bus = new.take("rule"), new.take("eventBusName", DEFAULT_BUS)
    id_ = new.take("targetId")
    entry = new.rest_of("events", "PutTargets", "targets", {"targets.targetId": "Id"})
    answer = new.send(
        "events", "PutTargets", Rule=rule, EventBusName=bus, Targets=[{"Id": id_, **entry}]
    )
    if answer["FailedEntryCount"]:
        [failed] = answer["FailedEntries"]
        raise ProvisionError(f"PutTargets: {failed['ErrorCode']}: {failed['ErrorMessage']}")
    return Made(f"{bus}-{rule}-{id_}")
