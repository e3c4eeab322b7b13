"""A client of the AWS SDK that is made when it is first used."""

from collections.abc import Callable
from functools import cached_property
from typing import Any


class DeferredClient:
    """For what a function needs only when something went wrong: a client costs 50 to 100 ms."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
