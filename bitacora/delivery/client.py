"""The control API of the delivery engine, for the rest of the kit. Standard library only."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class DeliveryError(Exception):
    """The engine refused the request, or can't be reached (`status` is None then)."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class DeliveryClient:
    """`url` like http://127.0.0.1:4100. Every method raises DeliveryError."""

    url: str
    token: str
    timeout_s: float = 10.0

    def health(self) -> dict[str, Any]:
        """{"status": "ok", "pid": …, "mappings": …}."""
        return self._object("GET", "/health")

    def put_mapping(self, uuid: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Create or change a mapping to a CreateEventSourceMapping request; its report."""
        return self._object("PUT", f"/mappings/{uuid}", request)

    def update_mapping(self, uuid: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Apply an UpdateEventSourceMapping request; the mapping's report."""
        return self._object("PATCH", f"/mappings/{uuid}", changes)

    def delete_mapping(self, uuid: str) -> None:
        """End a mapping and forget its checkpoints; one that is gone already is no error."""
        try:
            self._request("DELETE", f"/mappings/{uuid}")
        except DeliveryError as error:
            if error.status != 404:
                raise

    def mapping(self, uuid: str) -> dict[str, Any]:
        """The report of one mapping (see `mappings`)."""
        return self._object("GET", f"/mappings/{uuid}")

    def mappings(self) -> list[dict[str, Any]]:
        """Reports: uuid, state, function, source_arn, caught_up, caught_up_at, iterator_age_ms,
        last_error, faults, request, and shards {id: state, checkpoint, caught_up, caught_up_at,
        iterator_age_ms, outstanding, delivered, filtered, failed, invocations, function_errors,
        throttles, retries, destination_failures, trimmed, last_error, last_error_at}."""
        found: list[dict[str, Any]] = self._object("GET", "/mappings")["mappings"]
        return found

    def fault(self, uuid: str, kind: str, **options: Any) -> dict[str, Any]:
        """Order a fault of `bitacora.delivery.faults`; the mapping's faults, counted."""
        return self._object("POST", "/faults", {"mapping": uuid, "kind": kind, **options})

    def _object(
        self, method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._request(method, path, content))
        return answer

    def _request(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> bytes:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if content is None else json.dumps(content, default=_epoch).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
                body: bytes = response.read()
                return body
        except urllib.error.HTTPError as error:
            raise DeliveryError(_reason(error), error.code) from error
        except OSError as error:
            raise DeliveryError(f"no delivery engine at {self.url}: {error}", None) from error


def _epoch(value: Any) -> float:
    """A StartingPositionTimestamp may be a datetime, as for boto3."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} is no JSON value")


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
