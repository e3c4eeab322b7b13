"""What of an environment runs, since when, and how much memory it takes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bitacora.embedded import parts, processes, state
from bitacora.embedded.state import Part, State

TITLES = {
    parts.SUPERVISOR: "supervisor, token issuer, database door",
    parts.MINISTACK: "MiniStack",
    parts.POSTGRES: "PostgreSQL",
    parts.DELIVERY: "delivery engine",
}


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """One part. `detail`: empty when healthy, else what is wrong and since when (UTC)."""

    name: str
    title: str
    healthy: bool
    pid: int | None
    up_since: str | None
    port: int | None
    memory_bytes: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """`phase` as recorded, "absent" without an environment. `workers`: warm function processes."""

    phase: str
    home: str
    parts: list[PartStatus]
    workers: int
    workers_memory_bytes: int
    memory_bytes: int
    remedy: str

    @property
    def healthy(self) -> bool:
        return self.phase == "running" and all(part.healthy for part in self.parts)


def read(home: Path) -> Status:
    """Look at the processes now. Raises Problem when the recorded state cannot be read."""
    recorded = state.read(home)
    living = processes.of_home(home)
    if recorded is None or recorded.phase == "stopped":
        return _absent(home, recorded, living)
    roots = {part.pid for part in recorded.parts.values() if not part.exit}
    workers = [p for p in living.get(parts.MINISTACK, []) if p.pid not in roots]
    found = [
        _part(home, recorded, name, [p for p in living.get(name, []) if p not in workers])
        for name in TITLES
    ]
    workers_memory = sum(map(processes.unshared_bytes, workers))
    return Status(
        phase=recorded.phase,
        home=str(home),
        parts=found,
        workers=len(workers),
        workers_memory_bytes=workers_memory,
        memory_bytes=workers_memory + sum(part.memory_bytes for part in found),
        remedy=_remedy(found, recorded),
    )


def _absent(home: Path, recorded: State | None, living: dict[str, list[psutil.Process]]) -> Status:
    left = [process for group in living.values() for process in group]
    pids = ", ".join(str(process.pid) for process in left)
    return Status(
        phase=recorded.phase if recorded else "absent",
        home=str(home),
        parts=[],
        workers=len(left),
        workers_memory_bytes=0,
        memory_bytes=sum(map(processes.unshared_bytes, left)),
        remedy=f"Processes {pids} were left over: run `bitacora down`."
        if left
        else "Run `bitacora up`.",
    )


def _part(home: Path, recorded: State, name: str, living: list[psutil.Process]) -> PartStatus:
    part = recorded.parts.get(name)
    process = processes.find(part) if part and not part.exit else None
    detail = _health(recorded, name) if process else _ending(home, name, part)
    port = {parts.SUPERVISOR: parts.ISSUER_PORT, **parts.PORT_OF}
    return PartStatus(
        name=name,
        title=TITLES[name],
        healthy=not detail,
        pid=process.pid if process else None,
        up_since=part.started_at if part and process else None,
        port=recorded.ports.get(port[name]),
        memory_bytes=sum(map(processes.unshared_bytes, living)),
        detail=detail,
    )


def _health(recorded: State, name: str) -> str:
    if name == parts.POSTGRES:
        return ""
    seen = parts.answers(name, recorded)
    return f"runs but does not answer: {seen}" if seen else ""


def _ending(home: Path, name: str, part: Part | None) -> str:
    """How and when a part that does not run has ended, as well as it is known."""
    if part is None:
        return "was not started"
    if part.exit:
        code = part.exit.code
        how = "ended" if code is None else f"ended with code {code}"
        told = f"{how} at {part.exit.at}"
        return "\n".join([f"{told}; its log ends:", *part.exit.log]) if part.exit.log else told
    try:
        seen_s = (home / parts.ALIVE_FILE).stat().st_mtime
    except FileNotFoundError:
        return "ended"
    seen = datetime.fromtimestamp(seen_s, UTC).isoformat(timespec="seconds")
    when = "at about" if name == parts.SUPERVISOR else "after"  # nobody watched any more
    return f"ended {when} {seen.replace('+00:00', 'Z')} without a word"


def _remedy(found: list[PartStatus], recorded: State) -> str:
    if recorded.failure:
        return f"{recorded.failure.what} {recorded.failure.remedy}".strip()
    down = {part.name for part in found if not part.healthy}
    if recorded.phase == "starting":
        return "It is starting. If no `bitacora up` is at work any more, run it again."
    if parts.MINISTACK in down:
        return "MiniStack's data is gone: `bitacora up` builds the environment afresh."
    if down:
        return "`bitacora up` brings it back with its data."
    return ""
