"""A bucket of S3, behind the calls that the service makes."""

from typing import Any

from bitacora.simulation.cloud.calls import Calls, client_error


class S3:
    """The client. Source of IfNoneMatch: PutObject, "fails with 412 if the object exists"."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.objects: dict[tuple[str, str], bytes] = {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        place = (request["Bucket"], request["Key"])

        def effect() -> dict[str, Any]:
            if request.get("IfNoneMatch") == "*" and place in self.objects:
                raise client_error("s3.PutObject", "PreconditionFailed")
            self.objects[place] = request["Body"]
            return {}

        return self._calls.call("s3.PutObject", request["Key"], effect)

    def of(self, bucket: str) -> dict[str, bytes]:
        """The objects of a bucket by their keys."""
        return {key: body for (name, key), body in self.objects.items() if name == bucket}
