"""Histories that a correct store would leave behind, from a source of random numbers.

A store that does one thing at a time; clients whose answers are lost, late or refused; a read
model that lags. Every operation takes effect at its own moment between invocation and return.
"""

from random import Random

from bitacora.audit.history import Append, Operation, Read, Seen, Stored


class Store:
    """One stream, the truth: what is appended when, in the order of moments."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.commits: list[tuple[str, int]] = []
        self.versions = [0]  # those that the stream has stood at

    @property
    def version(self) -> int:
        return self.versions[-1]

    def append(self, command: str, count: int, expected: int | None) -> dict | None:
        """The answer; None for a conflict."""
        version = 0
        for done, its in self.commits:
            version += its
            if done == command:
                return {"version": version, "count": its}
        if expected is not None and expected != self.version:
            return None
        self.commits.append((command, count))
        self.versions.append(self.version + count)
        return {"version": self.version, "count": count}


def history(
    random: Random, *, size: int, clients: int = 3, stored: bool = True, span: int = 12
) -> list[Operation]:
    """About `size` operations of one stream in `span` seconds, in the order of their returns."""
    store = Store(random)
    lag: dict[tuple[str, str], int] = {}
    operations: list[Operation] = []
    moments = sorted(random.uniform(0, span) for _ in range(size))
    free_at = {f"c{number}": 0.0 for number in range(clients)}
    commands = [f"k{number}" for number in range(size)]
    for moment in moments:
        client = random.choice(sorted(free_at))
        if free_at[client] > moment:
            continue
        times = {
            "invoked": round(random.uniform(max(free_at[client], moment - 3), moment), 3) - 0.001,
            "returned": round(moment + random.uniform(0, 3), 3) + 0.001,
        }
        free_at[client] = times["returned"]
        who = {"client": client, "stream": "s"} | times
        if random.random() < 0.55:
            operations.append(_append(random, store, who, commands))
        else:
            operations.append(_read(random, store, who, lag))
    operations.sort(key=lambda each: each.returned)
    return operations + (at_rest(store) if stored else [])


def at_rest(store: Store) -> list[Operation]:
    """What the store and two consumers show at the end."""
    found: list[Operation] = []
    first = 1
    for number, (command, count) in enumerate(store.commits, 1):
        found.append(Stored(stream="s", commit=number, first=first, count=count, command=command))
        first += count
    if found:
        found.append(Seen(where="read-model", stream="s", version=store.version))
        for version in range(1, store.version + 1):
            found.append(Seen(where="ledger", stream="s", version=version, event=f"s/{version}"))
    return found


def _append(random: Random, store: Store, who: dict, commands: list[str]) -> Append:
    sent = [command for command, _ in store.commits]
    command = random.choice(sent) if sent and random.random() < 0.25 else commands.pop()
    expected = random.choice([None, store.version, max(0, store.version - random.randint(0, 2))])
    who = who | {"command": command, "expected": expected}
    chance = random.random()
    if chance < 0.1:
        return Append(**who, outcome="unknown")  # never arrived
    if chance < 0.15:
        return Append(**who, outcome="failed", reason="throttled")
    answer = store.append(command, random.choice([1, 1, 1, 2, 3]), expected)
    if chance < 0.3:
        return Append(**who, outcome="unknown")  # the answer was lost
    if answer is None:
        told = store.version if random.random() < 0.5 else None
        return Append(**who, outcome="failed", reason="conflict", version=told)
    return Append(**who, outcome="ok", **answer)


def _read(random: Random, store: Store, who: dict, lag: dict[tuple[str, str], int]) -> Read:
    if random.random() < 0.3:
        return Read(**who, outcome="ok", version=store.version, consistency="strong")
    where = random.choice(["list", "detail"])
    key = who["client"], where
    behind = random.choice([version for version in store.versions if version >= lag.get(key, 0)])
    token = random.choice([None, None, store.version])
    if token is not None and behind < token:
        return Read(**who, outcome="failed", token=token, where=where)
    lag[key] = behind
    return Read(**who, outcome="ok", version=behind, token=token, where=where)
