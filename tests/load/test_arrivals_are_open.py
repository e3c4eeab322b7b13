"""Arrival moments depend on the rate, the duration and the seed alone."""

from itertools import pairwise
from random import Random

import pytest

from load.arrivals import SHAPES, poisson, steady


@pytest.mark.parametrize("shape", SHAPES)
def test_one_seed_gives_one_run(shape: str) -> None:
    runs = [SHAPES[shape](10, 20, Random(seed)) for seed in (1, 1)]
    assert runs[0] == runs[1]
    assert runs[0] == sorted(runs[0])
    assert runs[0][0] >= 0
    assert runs[0][-1] < 20


def test_steady_arrivals_are_evenly_spaced() -> None:
    assert steady(4, 1.5, Random(0)) == [0, 0.25, 0.5, 0.75, 1.0, 1.25]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_independent_customers() -> None:
    moments = poisson(50, 200, Random(3))
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    mean_s = sum(gaps) / len(gaps)
    deviation_s = (sum((gap - mean_s) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(moments) == pytest.approx(10_000, rel=0.03)
    assert deviation_s == pytest.approx(mean_s, rel=0.05)


def test_another_seed_gives_another_run() -> None:
    assert poisson(10, 20, Random(1)) != poisson(10, 20, Random(2))
