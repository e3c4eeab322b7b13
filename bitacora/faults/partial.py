"""What AWS answers when it takes a call in part, or not at all for now.

PutRecords and PutEvents answer 200 and tell entry by entry what became of it, in the order of the
request (Kinesis API reference, "PutRecords"; EventBridge API reference, "PutEvents").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Self

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bitacora.faults.http1 import Message
from bitacora.faults.rules import call_of, scope_of

# By operation: where the entries stand, what counts the refused ones, and how one is refused.
ENTRIES = {
    "PutRecords": ("Records", "FailedRecordCount", "ProvisionedThroughputExceededException"),
    "PutEvents": ("Entries", "FailedEntryCount", "ThrottlingException"),
}
REFUSAL = 0.5
# What is passed on is another request than was signed: the emulator's root signs it.
ROOT = Credentials("test", "test")


class NoBatch(Exception):
    """The request is none that can be refused in part; the message names it."""


@dataclass(frozen=True)
class Batch:
    """A call of which the entries in `refused` are kept from the service; `passed` is the rest."""

    operation: str
    count: int
    refused: frozenset[int]
    passed: Message | None

    @classmethod
    def of(cls, request: Message, random: Random) -> Self:
        """Refuse some entries of a call, at least one. Raises NoBatch."""
        operation = call_of(request).operation
        if operation not in ENTRIES:
            raise NoBatch(f"{operation} is taken whole or not at all")
        name, *_ = ENTRIES[operation]
        content = json.loads(request.body)
        entries = content[name]
        refused = {place for place in range(len(entries)) if random.random() < REFUSAL}
        refused = refused or {random.randrange(len(entries))}
        kept = [entry for place, entry in enumerate(entries) if place not in refused]
        passed = _signed(request, {**content, name: kept}) if kept else None
        return cls(operation, len(entries), frozenset(refused), passed)

    def answer(self, partly: Message | None) -> Message:
        """The answer to the whole call; `partly` is the service's to `passed`."""
        name, counter, error = ENTRIES[self.operation]
        content = json.loads(partly.body) if partly else {}
        taken = iter(content.get(name, ()))
        refusal = {"ErrorCode": error, "ErrorMessage": "refused by a rule"}
        told = [refusal if at in self.refused else next(taken) for at in range(self.count)]
        failed = len(self.refused) + int(content.get(counter, 0))
        return _message("HTTP/1.1 200 OK", {**content, counter: failed, name: told})


def throttled(request: Message) -> Message:
    """The refusal of a call that came too soon, in the JSON protocols of AWS."""
    call = call_of(request)
    kind = (
        "ProvisionedThroughputExceededException"
        if call.service in ("dynamodb", "kinesis")
        else "ThrottlingException"
    )
    return _message("HTTP/1.1 400 Bad Request", {"__type": kind, "message": "refused by a rule"})


def _message(start: str, content: Mapping[str, Any]) -> Message:
    body = json.dumps(content).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Message(start, headers, body, f"{start}\r\n{head}\r\n".encode() + body)


def _signed(request: Message, content: Mapping[str, Any]) -> Message:
    """The request with another body, signed anew."""
    method, target, _ = request.start.split(" ", 2)
    service, region = scope_of(request)
    body = json.dumps(content).encode()
    kept = ("host", "content-type", "x-amz-target")
    changed = AWSRequest(
        method=method,
        url=f"http://{request.headers['host']}{target}",
        data=body,
        headers={name: request.headers[name] for name in kept},
    )
    SigV4Auth(ROOT, service, region).add_auth(changed)
    headers = {name.lower(): str(value) for name, value in changed.headers.items()}
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Message(request.start, headers, body, f"{request.start}\r\n{head}\r\n".encode() + body)
