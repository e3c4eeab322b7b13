"""What a service's file is made of: a kind of resource, and the request that it is made with.

A kind is a function from a `New` (the program's inputs) to a `Made` (id and outputs):

    @kind("aws:sns/topic:Topic")
    def topic(new: New) -> Made:
        answer = new.create("sns", "CreateTopic")
        return Made(answer["TopicArn"], {"arn": answer["TopicArn"]})

Each input must be used: taken by name, or translated by the general rule. One that isn't is an
error before the first call is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions

from bitacora.provision import names, validation
from bitacora.provision.cloud import Cloud
from bitacora.provision.errors import ProvisionError

REQUIRED: Any = object()
EXISTS = (
    "AlreadyExists",
    "AlreadyOwnedByYou",
    "Duplicate",
    "ResourceInUse",
    "ResourceConflict",
    "ConflictException",
)
START_AGAIN = "bitacora down --purge && bitacora up"


@dataclass(frozen=True)
class Made:
    """`outputs`: what AWS says beyond the inputs, by Pulumi's names; inputs are outputs already."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


class New:
    """The inputs of one resource on their way into requests."""

    def __init__(self, cloud: Cloud, inputs: Mapping[str, Any]) -> None:
        self.cloud = cloud
        self.inputs = inputs
        self._left = dict(inputs)

    def take(self, name: str, default: Any = REQUIRED) -> Any:
        """Use an input by name. Raises ProvisionError when it is missing and has no default."""
        if name in self._left:
            return self._left.pop(name)
        if name not in self.inputs and default is REQUIRED:
            raise ProvisionError(f"input {name} is missing")
        return self.inputs.get(name, default)

    def leave(self, *inputs: str) -> None:
        """Inputs that mean nothing to a new resource, such as what happens when it is destroyed."""
        for name in inputs:
            self._left.pop(name, None)

    def rest(
        self, service: str, operation: str, renamed: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """All inputs that are left, translated into a request of `operation`.

        Raises ProvisionError naming an input that has no counterpart.
        """
        left, self._left = self._left, {}
        return self.translate(left, service, operation, renamed)

    def rest_of(
        self,
        service: str,
        operation: str,
        member: str,
        renamed: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The rest, translated into one member of the request: `configuration`, or one `targets`.

        `renamed` has paths that begin with the member.
        """
        left, self._left = self._left, {}
        [value] = self.translate({member: left}, service, operation, renamed).values()
        [structure] = value if isinstance(value, list) else [value]
        return dict(structure)

    def translate(
        self,
        inputs: Mapping[str, Any],
        service: str,
        operation: str,
        renamed: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        shape = self._shape(service, operation)
        try:
            request: dict[str, Any] = names.translate(dict(inputs), shape, renamed or {})
        except names.Untranslated as path:
            raise ProvisionError(f"input {path} is not translated to {operation}") from None
        return request

    def create(
        self,
        service: str,
        operation: str,
        renamed: Mapping[str, str] | None = None,
        /,
        **members: Any,
    ) -> dict[str, Any]:
        """Send what is left of the inputs, and `members` as they are."""
        return self.send(service, operation, **self.rest(service, operation, renamed), **members)

    def send(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        """Validate and send. Members that are None are absent.

        Raises ProvisionError for inputs nobody used, an invalid request, or AWS's refusal.
        """
        if self._left:
            raise ProvisionError(f"not translated: input {', input '.join(sorted(self._left))}")
        request = {name: value for name, value in request.items() if value is not None}
        self.check(service, operation, request)
        client = self.cloud.client(service)
        method = getattr(client, _method(client, operation))
        try:
            answer: dict[str, Any] = method(**request)
        except botocore.exceptions.ClientError as error:
            raise ProvisionError(_refusal(operation, error)) from error
        except botocore.exceptions.BotoCoreError as error:
            raise ProvisionError(f"{operation}: {error}") from error
        return answer

    def check(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Raises ProvisionError naming every fault of the request."""
        if faults := validation.faults(request, self._shape(service, operation)):
            raise ProvisionError(f"{operation}: {'; '.join(faults)}")

    def _shape(self, service: str, operation: str) -> Any:
        return self.cloud.client(service).meta.service_model.operation_model(operation).input_shape


Create = Callable[[New], Made]
# From the new inputs, the id and the inputs that changed, to the outputs that changed.
Update = Callable[[New, str, frozenset[str]], Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """`mutable`: inputs that `update` changes in place; all else, and a removal, is refused."""

    create: Create
    update: Update
    mutable: frozenset[str]


KINDS: dict[str, Kind] = {}


def kind(token: str, *again: str) -> Callable[[Create], Create]:
    """Register a creator for a Pulumi type token; inputs that change by creating it `again`."""

    def register(create: Create) -> Create:
        def update(new: New, _id: str, _differing: frozenset[str]) -> Mapping[str, Any]:
            return create(new).outputs

        KINDS[token] = Kind(create, update, frozenset(again))
        return create

    return register


def update(token: str, *mutable: str) -> Callable[[Update], Update]:
    """Register how some inputs of a kind change in place."""

    def register(change: Update) -> Update:
        KINDS[token] = Kind(KINDS[token].create, change, frozenset(mutable))
        return change

    return register


def _method(client: Any, operation: str) -> str:
    methods = client.meta.method_to_api_mapping
    return next(str(name) for name, api in methods.items() if api == operation)


def _refusal(operation: str, error: botocore.exceptions.ClientError) -> str:
    fault = error.response.get("Error", {})
    code, message = fault.get("Code", "?"), fault.get("Message", "")
    text = f"{operation}: {code}: {message}"
    if any(word in code for word in EXISTS):
        text += f"\nLeft over from an interrupted run? Start again: {START_AGAIN}"
    return text
