"""A finding before its lines are known."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from bitacora.audit.history.findings import Kind
from bitacora.audit.history.operations import Operation


class Found(Struct, gc=False):
    """What was found in one stream; `operations` are the shortest piece that shows it."""

    kind: Kind
    detail: str
    operations: tuple[Operation, ...]


Tell = Callable[[Kind, str, Iterable[Operation | None]], None]


def teller(found: list[Found]) -> Tell:
    """Collects; an operation that is named twice stands once, and one that is None not at all."""

    def tell(kind: Kind, detail: str, operations: Iterable[Operation | None]) -> None:
        piece = {id(each): each for each in operations if each is not None}
        found.append(Found(kind, detail, tuple(piece.values())))

    return tell
