"""Placing an order."""

import msgspec

from reference_service.order.events import Line
from reference_service.order.money import Money
from reference_service.order.rejections import AlreadyPlaced, MixedCurrencies
from tests.order.ana import CONFIRMED, PLACE, PLACED, TOTAL, euros
from tests.order.scenario import given


def test_an_order_is_placed_with_the_sum_of_its_lines() -> None:
    assert PLACED.total == TOTAL
    given().when(PLACE).then(PLACED)


def test_every_piece_of_every_line_counts() -> None:
    lines = (
        Line(sku="tea", quantity=3, unit_price=euros(250)),
        Line(sku="tea", quantity=2, unit_price=euros(200)),
    )
    placed = msgspec.structs.replace(PLACED, lines=lines, total=euros(1150))
    given().when(msgspec.structs.replace(PLACE, lines=lines)).then(placed)


def test_an_order_has_one_currency() -> None:
    lines = (
        Line(sku="tea", quantity=1, unit_price=euros(250)),
        Line(sku="jam", quantity=1, unit_price=Money(300, "CHF")),
    )
    command = msgspec.structs.replace(PLACE, lines=lines)
    given().when(command).then_rejected(MixedCurrencies(currencies=("CHF", "EUR")))


def test_an_order_is_placed_once() -> None:
    given(PLACED).when(PLACE).then_rejected(AlreadyPlaced(status="placed"))
    given(*CONFIRMED).when(PLACE).then_rejected(AlreadyPlaced(status="confirmed"))
