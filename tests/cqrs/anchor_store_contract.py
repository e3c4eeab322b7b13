"""What every store of anchors promises. Subclass it and give the fixture `anchors`."""

from uuid import uuid4

import pytest

from reference_service.cqrs.anchoring import AnchorStore


@pytest.fixture
def prefix() -> str:
    return f"{uuid4()}/"


class AnchorStoreContract:
    def test_what_is_kept_is_read_as_it_was(self, anchors: AnchorStore, prefix: str) -> None:
        assert anchors.keep(f"{prefix}a", b"\x00one\xff") is True
        assert anchors.read(f"{prefix}a") == b"\x00one\xff"

    def test_nothing_is_replaced(self, anchors: AnchorStore, prefix: str) -> None:
        anchors.keep(f"{prefix}a", b"one")
        assert anchors.keep(f"{prefix}a", b"two") is False
        assert anchors.read(f"{prefix}a") == b"one"

    def test_the_same_object_again_is_kept(self, anchors: AnchorStore, prefix: str) -> None:
        """A put whose answer was lost is repeated."""
        assert anchors.keep(f"{prefix}a", b"one") is True
        assert anchors.keep(f"{prefix}a", b"one") is True

    def test_names_below_a_prefix_come_in_order_whatever_their_number(
        self, anchors: AnchorStore, prefix: str
    ) -> None:
        assert anchors.names(prefix) == []
        wanted = [f"{prefix}{number:02d}" for number in range(25)]
        for name in reversed(wanted):
            anchors.keep(name, b"")
        assert anchors.names(prefix) == wanted
        assert anchors.names(f"{prefix}2") == wanted[20:]
