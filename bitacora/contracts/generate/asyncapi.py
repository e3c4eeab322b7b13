"""contracts/asyncapi.json: the public events and their ways, AsyncAPI 3.0.

https://www.asyncapi.com/docs/reference/specification/v3.0.0: its schemas are those of draft-07,
where what stands beside a `$ref` is ignored; so references are wrapped in `allOf`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bitacora.contracts.folder import Version
from bitacora.contracts.generate.components import Components, as_text
from bitacora.contracts.generate.language import Language, PublicEvent, Schema
from bitacora.contracts.generate.versions import oldest_reader
from reference_service.schemas import urn

MEDIA_TYPE = "application/cloudevents+json"
_NOT_IN_DRAFT_07 = {
    "$anchor",
    "$dynamicRef",
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
}
_TOLD = {"title", "description"}


def asyncapi(language: Language) -> str:
    return as_text(_Document(language).made())


def draft_07(schema: Schema, base: Version) -> Schema:
    """The schema, without its inner ones, in the words of draft-07."""
    if unknown := sorted(_NOT_IN_DRAFT_07 & schema.keys()):
        raise base.fault("", f"AsyncAPI does not know the keyword {unknown[0]}")
    if "$ref" not in schema or len(schema) == 1:
        return schema
    told = {key: value for key, value in schema.items() if key in _TOLD or key.startswith("x-")}
    asked = {key: schema[key] for key in schema.keys() - told.keys() - {"$ref"}}
    parts = [{"$ref": schema["$ref"]}, *([dict(sorted(asked.items()))] if asked else [])]
    return {**told, "allOf": parts}


def cloud_event(language: Language, event: PublicEvent, version: Version, form: str) -> Any:
    """The example of an event in the envelope: that of the envelope with what differs."""
    envelope = language.example(language.newest("envelope"), form)
    identity = envelope["subject"].partition("-")[2]
    subject = f"{event.stream}-{identity}"
    made = {
        **envelope,
        "id": f"{subject}/1/0",
        "source": event.source,
        "type": event.name,
        "subject": subject,
        "dataschema": urn(version.name),
        "data": language.example(version, form),
    }
    made.pop("oldestreader", None)
    if (oldest := oldest_reader(language.folder, version)) < version.number:
        made["oldestreader"] = oldest
    return made


class _Document:
    def __init__(self, language: Language) -> None:
        self._language, self._settings = language, language.settings
        self._events = language.public_events
        self._components = Components(language, draft_07)

    def made(self) -> dict[str, Any]:
        messages = {event.name: self._message(event) for event in self._events}
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": "Public events",
                "version": "1",
                "description": "What services tell each other: at least once, in no order, each "
                "event under the same id whenever it is repeated. A consumer meets events of every "
                "version that is listed, and ignores what it does not know.",
            },
            "defaultContentType": MEDIA_TYPE,
            "channels": self._channels(),
            "operations": self._operations(),
            "components": {
                "messages": messages,
                "schemas": dict(sorted(self._components.schemas.items())),
            },
        }

    def _channels(self) -> dict[str, Any]:
        names, on_topic = self._settings, self._language.consumed_by(*self._language.subscribers())
        channels = {
            names.bus: _channel(names.bus, "EventBridge bus: every public event.", self._events),
            names.topic: _channel(names.topic, "SNS topic, fed by a rule per event.", on_topic),
        }
        for consumer in self._language.consumers():
            of_bus = consumer in names.queues_of_bus
            fed = "a rule of the bus" if of_bus else f"the topic {names.topic}"
            description = f"SQS queue of the consumer {consumer}, fed by {fed}."
            taken = self._language.consumed_by(consumer)
            channels[consumer] = _channel(consumer, description, taken)
        return channels

    def _operations(self) -> dict[str, Any]:
        operations = {}
        for source in dict.fromkeys(event.source for event in self._events):
            service = source.rpartition(".")[2]
            sent = [event for event in self._events if event.source == source]
            title = f"{source} publishes"
            operations[f"{service}-send"] = _operation("send", self._settings.bus, title, sent)
        for consumer in self._language.consumers():
            title = f"{consumer} consumes"
            taken = self._language.consumed_by(consumer)
            operations[f"{consumer}-receive"] = _operation("receive", consumer, title, taken)
        return operations

    def _message(self, event: PublicEvent) -> dict[str, Any]:
        newest = self._language.schemas[event.history[-1]]
        payloads = [self._payload(event, version) for version in event.history]
        return {
            "name": event.name,
            "title": event.name,
            "summary": newest.get("description", ""),
            "contentType": MEDIA_TYPE,
            "correlationId": {"location": "$message.payload#/correlationid"},
            "payload": payloads[0] if len(payloads) == 1 else {"oneOf": payloads},
            "examples": [
                {
                    "name": f"v{version.number}-{form}",
                    "payload": cloud_event(self._language, event, version, form),
                }
                for version in event.history
                for form in ("minimal", "full")
            ],
        }

    def _payload(self, event: PublicEvent, version: Version) -> dict[str, Any]:
        """A CloudEvent in structured mode: the envelope, narrowed to one version of one event."""
        oldest = oldest_reader(self._language.folder, version)
        since = "" if oldest == version.number else f"; readers of version {oldest} read it too"
        return {
            "description": f"Version {version.number}{since}.",
            "allOf": [
                self._components.ref(self._language.newest("envelope")),
                {
                    "properties": {
                        "source": {"const": event.source},
                        "type": {"const": event.name},
                        "dataschema": {"const": urn(version.name)},
                        "data": self._components.ref(version),
                    }
                },
            ],
        }


def _channel(name: str, description: str, events: Sequence[PublicEvent]) -> dict[str, Any]:
    messages = {event.name: {"$ref": f"#/components/messages/{event.name}"} for event in events}
    return {
        "address": f"{{prefix}}-{name}",
        "description": description,
        "parameters": {
            "prefix": {"description": "Project and stack.", "examples": ["bitacora-prod"]}
        },
        "messages": messages,
    }


def _operation(
    action: str, channel: str, title: str, events: Sequence[PublicEvent]
) -> dict[str, Any]:
    place = f"#/channels/{channel}"
    messages = [{"$ref": f"{place}/messages/{event.name}"} for event in events]
    return {"action": action, "channel": {"$ref": place}, "title": title, "messages": messages}
