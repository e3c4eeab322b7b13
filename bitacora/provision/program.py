"""Run a Pulumi program in this process, with the SDK's own mocks hook in place of Pulumi's engine.

Each custom resource and each function call of the program reaches a `Handler`. The program runs as
it does under the CLI: working directory and first import path are its folder.
"""

import asyncio
import logging
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.proto import resource_pb2

from bitacora.provision.archives import Packages
from bitacora.provision.errors import ProvisionError

SILENT = logging.Logger("pulumi", logging.CRITICAL + 1)


@dataclass(frozen=True)
class Resource:
    """One resource as the program declares it.

    `source`: "infra/x.py:12", or "" when unknown. `ignored`: inputs whose changes do not count.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    source: str
    ignored: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.type} '{self.name}'" + (f" ({self.source})" if self.source else "")


@dataclass(frozen=True)
class Answer:
    """`id` is None in a preview when the resource isn't there yet: what it would say is unknown."""

    id: str | None
    outputs: Mapping[str, Any]


class Handler(Protocol):
    def resource(self, declared: Resource) -> Answer: ...

    def component(self, declared: Resource) -> None: ...

    def invoke(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]: ...


def run(
    folder: Path,
    handler: Handler,
    config: Mapping[str, str],
    *,
    project: str,
    stack_name: str,
    preview: bool,
) -> dict[str, Any]:
    """Run `folder`/__main__.py to its end; returns its exports, secrets unwrapped.

    An export that isn't known is absent in a preview. Raises ProvisionError for the first thing
    that fails (a resource, an output that isn't there, the program itself), after what was under
    way has ended.
    """
    monitor = Monitor(handler, folder.parent, preview)
    exports: dict[str, Any] = {}
    names: list[str] = []

    def body() -> None:
        runpy.run_path(str(folder / "__main__.py"), run_name="__main__")
        outputs: dict[str, Any] = cast(Any, settings.get_root_resource()).outputs
        names.extend(outputs)
        for name, value in outputs.items():
            pulumi.Output.from_input(value).apply(partial(exports.__setitem__, name))

    with _runtime(monitor, config, project, stack_name, preview) as loop, _inside(folder):
        try:
            loop.run_until_complete(stack.run_pulumi_func(body))
        except Exception as error:
            if monitor.failure:
                raise monitor.failure from monitor.cause
            raise _program_error(error, folder.parent) from error
        finally:
            monitor.stopped = True
            _drain(loop)
    if monitor.failure:  # the program caught it and went on
        raise monitor.failure from monitor.cause
    if not preview and (missing := [name for name in names if name not in exports]):
        raise ProvisionError(
            f"export {missing[0]} reads an output that the embedded engine does not return"
        )
    return exports


class Monitor(mocks.MockMonitor):
    """Pulumi's side of the conversation: stops at the first failure and names it."""

    def __init__(self, handler: Handler, root: Path, preview: bool) -> None:
        super().__init__(cast(Any, None))  # what would reach the mocks is answered here
        self.failure: ProvisionError | None = None
        self.cause: Exception | None = None
        self.stopped = False
        self._handler = handler
        self._root = root
        self._preview = preview
        self._packages = Packages()
        self._declared: set[str] = set()
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  Pulumi's name
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        source = _source(request.sourcePosition, self._root)
        declared = Resource(urn, request.type, request.name, {}, source)
        with self._failing(declared):
            self._declare(urn)
            _refuse_options(request)
            inputs = self._inputs(request)
            declared = replace(declared, inputs=inputs, ignored=_ignored(request))
            if not request.custom:
                self._handler.component(declared)
                return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
            answer = self._handler.resource(declared)
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        outputs.update(answer.outputs)
        # `unknown`: an output that is not returned is unknown to the program, not None.
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=answer.id or "", object=outputs, unknown=True
        )

    def ReadResource(self, request: Any) -> Any:  # noqa: N802  Pulumi's name
        with self._failing(f"{request.type} '{request.name}'"):
            raise ProvisionError("reading an existing resource (.get) is not translated")

    def Invoke(self, request: Any) -> Any:  # noqa: N802  Pulumi's name
        with self._failing(f"function {request.tok}"):
            args = _plain(rpc.deserialize_properties(request.args, True), self._packages)
            result = struct_pb2.Struct()
            result.update(self._handler.invoke(request.tok, args))
        return resource_pb2.ResourceInvokeResponse(**{"return": result})

    def _declare(self, urn: str) -> None:
        with self._lock:
            if self.stopped or self.failure:
                raise ProvisionError("not made: the run has ended")
            if urn in self._declared:
                raise ProvisionError("declared twice")
            self._declared.add(urn)

    def _inputs(self, request: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = _plain(
            rpc.deserialize_properties(request.object, True), self._packages
        )
        for name, value in inputs.items():
            if not self._preview and _has_unknown(value):
                sources = request.propertyDependencies[name].urns
                whose = " or ".join(urn.rpartition("$")[2].replace("::", " ") for urn in sources)
                raise ProvisionError(
                    f"input {name} reads an output of {whose or 'a resource'} that the embedded"
                    " engine does not return"
                )
        return inputs

    @contextmanager
    def _failing(self, what: Resource | str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            known = isinstance(error, ProvisionError)
            detail = str(error) if known else f"{type(error).__name__}: {error}"
            named = ProvisionError(f"{what}: {detail}")
            with self._lock:
                if self.failure is None:
                    self.failure, self.cause = named, error
            raise named from error


@contextmanager
def _runtime(
    monitor: Monitor, config: Mapping[str, str], project: str, stack_name: str, preview: bool
) -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    # Each dependent of a failed resource fails too and would print a traceback: the first is told.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    settings.set_root_resource(cast(Any, None))
    pulumi.runtime.set_all_config(dict(config))
    mocks.set_mocks(
        monitor.mocks,
        project=project,
        stack=stack_name,
        preview=preview,
        logger=SILENT,
        monitor=monitor,
    )
    settings.SETTINGS.outputs.clear()
    try:
        yield loop
    finally:
        settings.set_root_resource(cast(Any, None))
        asyncio.set_event_loop(None)
        loop.close()


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """The folder as working directory and first import path; its modules are forgotten after."""
    here, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(here)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if Path(getattr(sys.modules[name], "__file__", None) or "").is_relative_to(folder):
                del sys.modules[name]


def _drain(loop: asyncio.AbstractEventLoop) -> None:
    """Let calls that are under way end, so that what they made is recorded."""
    loop.run_until_complete(loop.shutdown_default_executor())
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _refuse_options(request: Any) -> None:
    """Options that would change what is made, or when it may change."""
    for option in ("importId", "transforms", "hooks"):
        value = getattr(request, option)
        if value.ByteSize() if hasattr(value, "ByteSize") else value:
            raise ProvisionError(f"resource option {option} is not translated")


def _ignored(request: Any) -> frozenset[str]:
    """Whole inputs only: a path into one would need the values of the last run, not digests."""
    if paths := [path for path in request.ignoreChanges if not path.isalnum()]:
        raise ProvisionError(f"ignoreChanges of {paths[0]} is not translated, only whole inputs")
    return frozenset(request.ignoreChanges)


def _plain(value: Any, packages: Packages) -> Any:
    """Secrets unwrapped, whole floats as integers, assets and archives as bytes."""
    value = rpc.unwrap_rpc_secret(value)
    match value:
        case dict():
            return {key: _plain(item, packages) for key, item in value.items()}
        case list():
            return [_plain(item, packages) for item in value]
        case float() if value.is_integer():
            return int(value)
        case pulumi.Asset() | pulumi.Archive():
            return packages.content(value)
        case _:
            return value


def _has_unknown(value: Any) -> bool:
    match value:
        case dict():
            return any(_has_unknown(item) for item in value.values())
        case list():
            return any(_has_unknown(item) for item in value)
        case _:
            return isinstance(value, pulumi.output.Unknown)


def _source(position: Any, root: Path) -> str:
    path = Path(unquote(urlparse(position.uri).path))
    if not position.line:
        return ""
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{position.line}"


def _program_error(error: Exception, root: Path) -> ProvisionError:
    """A RunError is the program's own word to a person; anything else is told with its place."""
    if isinstance(error, pulumi.RunError):
        return ProvisionError(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(root) and ".venv" not in f.filename]
    where = f"{Path(own[-1].filename).relative_to(root)}:{own[-1].lineno}: " if own else ""
    return ProvisionError(f"{where}{type(error).__name__}: {error}")
