"""What customers asked and were told in one scenario, for the history checker to judge."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bitacora.audit.history import Append, Operation, Read, Report, Stored, check
from bitacora.audit.history.operations import CONFLICT
from features.harness.customers import UNKNOWN, Answer, Request
from reference_service.cqrs.commit import Commit

# Times before the scenario's own: for writers whose commands no customer sent.
BEFORE = 0.0


@dataclass(frozen=True)
class Exchange:
    """`request` is a command, or the target of a GET; `answer` is None when none came."""

    customer: str
    request: Request | str
    began: float
    ended: float
    answer: Answer | None

    @property
    def order_id(self) -> str | None:
        """The order it is about, as far as the exchange itself tells."""
        path = self.request if isinstance(self.request, str) else self.request.path
        parts = urlsplit(path).path.strip("/").split("/")
        if len(parts) > 1 and parts[0] == "orders":
            return parts[1]
        told = self.answer.body.get("order_id") if self.answer else None
        return str(told) if told else None


@dataclass
class History:
    """Any number of threads may note exchanges."""

    exchanges: list[Exchange] = field(default_factory=list)

    def exchanged(
        self, customer: str, request: Request | str, call: Callable[[], Answer]
    ) -> Answer:
        """Make the call and note it, whatever becomes of it."""
        began, answer = monotonic(), None
        try:
            answer = call()
        finally:
            self.exchanges.append(Exchange(customer, request, began, monotonic(), answer))
        return answer

    def streams(self) -> set[str]:
        """Streams of the orders that were spoken of."""
        return {f"order-{each.order_id}" for each in self.exchanges if each.order_id}

    def operations(self, stored: Mapping[str, Iterable[Commit]]) -> list[Operation]:
        """As the checker takes them; `stored` is what the event store holds of `streams()`."""
        commits = {(stream, one.commit): one for stream in stored for one in stored[stream]}
        orders = {
            _command(each): each.order_id
            for each in self.exchanges
            if isinstance(each.request, Request) and each.order_id
        }
        told = list(self._told(orders, commits))
        customers = {each.customer for each in self.exchanges}
        named = {
            (f"order-{each.answer.body['order_id']}", each.answer.body["commit"]): _command(each)
            for each in self.exchanges
            if isinstance(each.request, Request) and each.answer and _done(each.answer)
        }
        for (stream, number), commit in commits.items():
            command = named.get((stream, number))
            if commit.actor not in customers:  # the saga's: nobody here was told of it
                command = command or commit.command_id
                told.append(_unseen(stream, command, commit.actor))
            told.append(
                Stored(
                    stream=stream,
                    commit=number,
                    first=commit.first,
                    count=commit.count,
                    command=command,
                )
            )
        return told

    def report(self, stored: Mapping[str, Iterable[Commit]]) -> Report:
        """The checker's verdict."""
        return check(self.operations(stored))

    def lost(self, stored: Mapping[str, Iterable[Commit]]) -> set[str]:
        """Streams of accepted commands of which the event store holds nothing at all.

        To the checker a store without a line is one that nobody looked at.
        """
        accepted = {
            f"order-{each.order_id}"
            for each in self.exchanges
            if isinstance(each.request, Request) and each.answer and _done(each.answer)
        }
        return {stream for stream in accepted if not list(stored[stream])}

    def _told(
        self, orders: Mapping[str, str | None], commits: Mapping[tuple[str, int], Commit]
    ) -> Iterator[Operation]:
        for each in self.exchanges:
            if isinstance(each.request, str):
                if read := _read(each, each.request):
                    yield read
            # The order of a placement that was never answered is not known to its customer.
            elif order_id := orders.get(_command(each)):
                yield _append(each, each.request, f"order-{order_id}", commits)


def _command(exchange: Exchange) -> str:
    """The same for each attempt of a command; another body or path is another command."""
    request = exchange.request
    assert isinstance(request, Request)
    return f"{exchange.customer} {request.key} {request.path} {sorted(request.body.items())}"


def _done(answer: Answer) -> bool:
    return answer.status in (200, 201)


def _append(
    exchange: Exchange,
    request: Request,
    stream: str,
    commits: Mapping[tuple[str, int], Commit],
) -> Append:
    answer, told = exchange.answer, dict[str, Any]()
    if answer is None or answer.problem == UNKNOWN:
        outcome = "unknown"
    elif _done(answer):
        stored = commits.get((stream, answer.body["commit"]))
        outcome = "ok"
        told = {"version": answer.body["version"], "count": stored.count if stored else 1}
    elif answer.status == 412:
        outcome = "failed"
        told = {"reason": CONFLICT, "version": answer.body["version"]}
    else:
        outcome, told = "failed", {"reason": answer.problem or str(answer.status)}
    return Append(
        client=exchange.customer,
        stream=stream,
        command=_command(exchange),
        invoked=exchange.began,
        returned=exchange.ended,
        outcome=outcome,
        expected=request.expected_version,
        **told,
    )


def _read(exchange: Exchange, target: str) -> Read | None:
    """None for a read of a list, of a history or of the past: no version of now is told."""
    parts, asked = urlsplit(target), parse_qs(urlsplit(target).query)
    order, *rest = parts.path.strip("/").split("/")[1:] or [""]
    if not order or rest not in ([], ["status"]) or asked.keys() & {"version", "as_of"}:
        return None
    answer = exchange.answer
    version = None
    if answer is not None and answer.status == 200:
        version = answer.body["version"]
    return Read(
        client=exchange.customer,
        stream=f"order-{order}",
        invoked=exchange.began,
        returned=exchange.ended,
        outcome="failed" if version is None else "ok",
        version=version,
        token=int(asked["min_version"][0]) if "min_version" in asked else None,
        consistency="strong" if asked.get("consistency") == ["strong"] else "eventual",
        where="order_status" if rest else "order_summary",
    )


def _unseen(stream: str, command: str, actor: str) -> Append:
    return Append(
        client=actor,
        stream=stream,
        command=command,
        invoked=BEFORE,
        returned=BEFORE,
        outcome="unknown",
    )
