"""What stands after an item that is no commit."""

from bitacora.audit.chain import chain
from tests.audit.orders import SHIPPED, history

COMMITS = history("order-1", SHIPPED)


def test_an_unreadable_item_leaves_no_gap() -> None:
    assert list(chain((COMMITS[0], *COMMITS[2:]), unreadable={2})) == []
    assert list(chain(COMMITS[2:], unreadable={1, 2})) == []


def test_a_gap_beside_it_is_still_one() -> None:
    (gap,) = chain((COMMITS[0], COMMITS[3]), unreadable={2})
    assert (gap.kind, gap.commit) == ("gap", 3)
    assert gap.detail == "1 missing before commit 4"
