"""A read model's gate and row, held against the commits that they follow from. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from bitacora.audit.findings import Finding
from bitacora.audit.source import View
from reference_service.order.status import OrderStatus

Row = Mapping[str, Any]


def against(
    stream: str,
    stored: Mapping[int, str | None],
    rows: Mapping[int, Row],
    view: View,
    where: str = "",
) -> Iterator[Finding]:
    """`stored` are the hashes of the stored commits by number, None for what is no commit.

    `rows` say what the events come to at a commit, as far as they could be folded; `where` stands
    before each detail.
    """
    gate, row = view.gate, view.row
    if view.parked:
        detail = f"{view.parked.consumer}: {view.parked.reason}"
        yield Finding(stream, view.parked.commit, "parked", detail)
    if gate is None:
        if row is not None:
            yield Finding(stream, None, "altered-row", f"{where}a row without a gate")
    elif gate.commit and gate.commit not in stored:
        last = max(stored, default=0)
        detail = f"{where}its gate is at commit {gate.commit}, the store's last is {last}"
        yield Finding(stream, gate.commit, "ahead", detail)
    elif stored.get(gate.commit) not in (None, gate.hash):
        detail = f"{where}the gate's hash is not the commit's"
        yield Finding(stream, gate.commit, "fork", detail)
    elif different := _different(rows.get(gate.commit), row):
        yield Finding(stream, gate.commit, "altered-row", f"{where}{different}")


def status_rows(rows: Mapping[int, Row]) -> dict[int, Row]:
    """From the rows of order_summary those of order_status, as its items hold them."""
    return {
        number: {
            "at": row["updated_at"],
            **{name: row[name] for name in OrderStatus.__struct_fields__ if row[name] is not None},
        }
        for number, row in rows.items()
    }


def _different(expected: Row | None, row: Row | None) -> str:
    """In what they differ; nothing is expected at commit 0, and of what can't be folded."""
    if expected is None:
        return ""
    if row is None:
        return "there is no row"
    names = expected.keys() | row.keys()
    wrong = sorted(name for name in names if expected.get(name) != row.get(name))
    return f"differs in {', '.join(wrong)}" if wrong else ""
