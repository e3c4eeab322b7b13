"""The HTTP API as a customer's device reaches it, for many greenlets at once."""

from urllib.parse import urlsplit

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from load.answers import Answer

CONNECTIONS = 256
ANSWER_TIMEOUT_S = 30.0


class HttpApi:
    """`send` never raises for what a network may do: no answer is an answer too."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._base = address.path.rstrip("/")
        self._client = HTTPClient(
            address.hostname or "",
            address.port,
            concurrency=CONNECTIONS,
            connection_timeout=ANSWER_TIMEOUT_S,
            network_timeout=ANSWER_TIMEOUT_S,
        )

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            response = self._client.request(method, self._base + path, body, headers)
            content = bytes(response.read())
        except (OSError, HTTPParseError) as error:
            return Answer(0, problem=f"no answer: {type(error).__name__} {error}")
        found = {name.lower(): value for name, value in response.items()}
        return Answer(response.status_code, found, content)
