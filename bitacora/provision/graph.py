"""The registered resources, found by what others call them, with the policies that guard them."""

import json
from collections.abc import Sequence
from typing import Any

from bitacora.provision import access
from bitacora.provision.access import Call, Decision
from bitacora.provision.registered import Registered

FUNCTION = "aws:lambda/function:Function"
QUEUE = "aws:sqs/queue:Queue"


class Graph:
    def __init__(self, resources: Sequence[Registered]) -> None:
        self._of: dict[str, list[Registered]] = {}
        for resource in resources:
            self._of.setdefault(resource.type, []).append(resource)
        # A resource that is given an ARN, like a target, names another one by it.
        self._by_arn = {
            r.outputs["arn"]: r for r in resources if "arn" in r.outputs.keys() - r.inputs
        }

    def of(self, type_: str) -> list[Registered]:
        return self._of.get(type_, [])

    def one(self, type_: str, key: str, value: Any) -> Registered:
        """Raises LookupError: something is wired to a resource that is not registered."""
        for resource in self.of(type_):
            if known(resource, key) == value:
                return resource
        raise LookupError(f"no {type_} whose {key} is {value!r} is registered")

    def rule(self, bus: str | None, name: str) -> str:
        """The ARN of a rule; `bus` None is the default one."""
        for rule in self.of("aws:cloudwatch/eventRule:EventRule"):
            if (rule.inputs.get("eventBusName"), rule.inputs["name"]) == (bus, name):
                return str(known(rule, "arn"))
        raise LookupError(f"no rule {name!r} on bus {bus or 'default'!r} is registered")

    def queue_arn(self, url: str) -> str:
        return str(known(self.one(QUEUE, "url", url), "arn"))

    def role_of(self, function: str) -> str:
        """The ARN of a function's role; `function` is its name or ARN."""
        found = self._by_arn.get(function) or self.one(FUNCTION, "name", function)
        return str(found.inputs["role"])

    def key_of(self, arn: str) -> str | None:
        """The ARN of the customer's key that a queue or topic is under."""
        resource = self._by_arn.get(arn)
        key = known(resource, "kmsMasterKeyId") if resource else None
        return key if key in self._by_arn else None

    def attached_to(self, role: str) -> list[str]:
        """The ARNs of the managed policies of a role."""
        attachments = self.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        return [a.inputs["policyArn"] for a in attachments if a.inputs["role"] == _name(role)]

    def service_may(self, service: str, call: Call) -> Decision:
        return access.service_may(service, call, self._policies(call.resource))

    def role_may(self, role: str, call: Call) -> Decision:
        policies = self._documents("aws:iam/rolePolicy:RolePolicy", "role", _name(role))
        return access.role_may(role, call, policies, self._policies(call.resource))

    def _policies(self, arn: str) -> list[str]:
        """The documents of a resource's own policy."""
        resource = self._by_arn.get(arn)
        if resource is None:
            return []
        match arn.split(":")[2]:
            case "sqs":
                url = known(resource, "url")
                return self._documents("aws:sqs/queuePolicy:QueuePolicy", "queueUrl", url)
            case "sns":
                return self._documents("aws:sns/topicPolicy:TopicPolicy", "arn", arn)
            case "kms":
                return [resource.inputs["policy"]]
            case "iam":
                return [_on(resource.inputs["assumeRolePolicy"], arn)]
            case "lambda":
                names = (known(resource, "name"), arn)
                permissions = self.of("aws:lambda/permission:Permission")
                return [_document(p, arn) for p in permissions if p.inputs["function"] in names]
        return []

    def _documents(self, type_: str, key: str, value: Any) -> list[str]:
        return [r.inputs["policy"] for r in self.of(type_) if r.inputs[key] == value]


def known(resource: Registered, key: str) -> Any:
    """An output, or the input of that name, which counts as one; None when there is neither."""
    return resource.outputs.get(key, resource.inputs.get(key))


def label(arn: str) -> str:
    """An ARN without partition, region and account, for people."""
    parts = arn.split(":", 5)
    return f"{parts[2]} {parts[5]}" if len(parts) == 6 else arn


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def _on(trust_policy: str, role: str) -> str:
    """A trust policy names no resource: it is the role's."""
    document = json.loads(trust_policy)
    document["Statement"] = [{**statement, "Resource": role} for statement in document["Statement"]]
    return json.dumps(document)


def _document(permission: Registered, function: str) -> str:
    """The statement that AddPermission makes."""
    statement = {
        "Sid": permission.inputs.get("statementId", permission.name),
        "Effect": "Allow",
        "Principal": {"Service": permission.inputs["principal"]},
        "Action": permission.inputs["action"],
        "Resource": function,
    }
    if source := permission.inputs.get("sourceArn"):
        statement["Condition"] = {"ArnLike": {"aws:SourceArn": source}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
