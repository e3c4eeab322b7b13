"""An address under a customer's key: short, bound to its order, and nothing without the key."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_service.order.address import opened
from reference_service.order.address import sealed as seal_address
from reference_service.order.events import Delivery
from reference_service.order.versions import DOWNCASTERS, UPCASTERS
from reference_service.schemas import Schemas, event_schema
from reference_service.sealing import DataKey, Sealed, Unsealable, key_of, proof, seal, unseal
from tests.order.ana import PLACED

KEY = DataKey("5f0c6d1e2b7a", bytes(range(32)))
OTHER = DataKey("0a1b2c3d4e5f", bytes(range(1, 33)))
assert isinstance(PLACED.delivery, Delivery)
ADDRESS = PLACED.delivery
NONCE = b"0123456789ab"
SCHEMAS = Schemas.load()
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=100)


@given(st.builds(Delivery, recipient=TEXT, street=TEXT, city=TEXT, postal_code=TEXT, country=TEXT))
def test_what_is_sealed_opens_again_and_keeps_every_contract(address: Delivery) -> None:
    text = seal_address(address, KEY, "1")
    assert opened(text, KEY, "1") == address
    assert json.dumps(text) == f'"{text}"'  # nothing in it is escaped
    for version in (1, 2, 3):
        assert not about_delivery(version, text)


def about_delivery(version: int, delivery: object) -> list[str]:
    name = event_schema("internal", "OrderPlaced", version)
    data = msgspec.to_builtins(PLACED) | {"delivery": delivery}
    faults = SCHEMAS.check(name, data)
    return [fault.detail for fault in faults if fault.pointer == "/delivery"]


@pytest.mark.parametrize(
    "text", ["", "Ana, Calle 1", "s1.5f0c6d1e2b7a.short", "s2.5f0c6d1e2b7a." + 60 * "x"]
)
def test_no_other_text_keeps_the_contract(text: str) -> None:
    assert about_delivery(3, text)
    with pytest.raises(Unsealable):
        key_of(text)


def test_two_seals_of_one_address_differ() -> None:
    assert seal_address(ADDRESS, KEY, "1") != seal_address(ADDRESS, KEY, "1")


def test_it_tells_its_key_and_nothing_of_the_address() -> None:
    text = seal_address(ADDRESS, KEY, "1")
    assert key_of(text) == KEY.id
    assert not [v for v in (ADDRESS.recipient, ADDRESS.street, ADDRESS.city) if v in text]


TEXT_OF_1 = seal_address(ADDRESS, KEY, "1")
CHANGED = TEXT_OF_1[:40] + ("b" if TEXT_OF_1[40] == "a" else "a") + TEXT_OF_1[41:]


@pytest.mark.parametrize(
    ("text", "key", "order_id"),
    [
        pytest.param(TEXT_OF_1, KEY, "2", id="another order"),
        pytest.param(TEXT_OF_1, OTHER, "1", id="another key"),
        pytest.param(TEXT_OF_1, DataKey(KEY.id, OTHER.secret), "1", id="another key of that id"),
        pytest.param(CHANGED, KEY, "1", id="changed"),
        pytest.param(TEXT_OF_1[:-5], KEY, "1", id="cut off"),
        pytest.param(TEXT_OF_1[:-2] + "..", KEY, "1", id="not in base85"),
        pytest.param(TEXT_OF_1.replace(KEY.id, OTHER.id), OTHER, "1", id="said to be another's"),
        pytest.param(seal(b"[1]", KEY, "order-1"), KEY, "1", id="no address"),
    ],
)
def test_what_is_not_as_it_was_sealed_does_not_open(text: str, key: DataKey, order_id: str) -> None:
    with pytest.raises(Unsealable):
        opened(Sealed(text), key, order_id)


def test_what_was_sealed_long_ago_opens_for_ever() -> None:
    """The form is stored: another one needs another name in front."""
    stored = Sealed("s1.5f0c6d1e2b7a.FflSSG&MFiI5}ZrY%>!bHwDyJAq6m=75cEp*{y561d+A")
    assert unseal(stored, KEY, "order-1") == b'["Ana"]'
    assert seal(b'["Ana"]', KEY, "order-1", NONCE) == stored


def test_versions_before_and_after_leave_it_as_it_is() -> None:
    data = msgspec.json.decode(msgspec.json.encode(PLACED)) | {"delivery": TEXT_OF_1}
    older = DOWNCASTERS["OrderPlaced", 2](DOWNCASTERS["OrderPlaced", 3](data))
    assert older["delivery"] == TEXT_OF_1
    assert UPCASTERS["OrderPlaced", 2](UPCASTERS["OrderPlaced", 1](older)) == data


def test_a_proof_is_of_the_data_and_the_key() -> None:
    assert proof(b"Calle 1", KEY) == proof(b"Calle 1", KEY)
    assert len({proof(b"Calle 1", KEY), proof(b"Calle 2", KEY), proof(b"Calle 1", OTHER)}) == 3


def test_a_key_does_not_show_its_secret() -> None:
    assert "secret" not in repr(KEY)
    assert str(KEY.secret) not in f"{KEY} {[KEY]}"
