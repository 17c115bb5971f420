"""The plan of purchases, drawn again and again."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.payments import Stratum
from experiments.load.purchases import (
    DEFAULT_PURCHASES,
    STRATA,
    digest_of,
    email_of,
    intended,
    plan_purchases,
    stratified,
)

SALE = {"creator-pass": True, "lore-pack": False}


def test_the_default_is_430_of_which_300_are_meant_to_be_captured() -> None:
    """
    The plan holds what the ledger's claim of 299 judged purchases needs.
    """
    counts = stratified(DEFAULT_PURCHASES)
    captured = list(STRATA)[:7]

    assert (sum(counts.values()), sum(counts[name] for name in captured)) == (430, 300)
    assert counts == STRATA


@pytest.mark.no_cover
@given(
    count=st.integers(0, 500),
    mix=st.dictionaries(st.sampled_from(list(STRATA)), st.integers(1, 100), min_size=1),
)
def test_a_mix_is_kept(count: int, mix: dict[Stratum, int]) -> None:
    """
    Only what the mix names is bought, as near to its shares as whole numbers allow.
    """
    counts = stratified(count, mix)

    assert set(counts) == set(mix)
    assert sum(counts.values()) == count
    drawn = plan_purchases(1, SALE, count, mix)
    assert {each.stratum for each in drawn} <= set(mix)
    assert len(drawn) == count


@given(count=st.integers(0, 5000))
def test_any_number_keeps_the_strata(count: int) -> None:
    """
    A plan of any size has exactly that size, each stratum near its share, and none is left out.
    """
    counts = stratified(count)

    assert sum(counts.values()) == count
    for name, got in counts.items():
        share = STRATA[name] * count / DEFAULT_PURCHASES
        assert got >= (1 if count >= len(STRATA) else 0)
        assert abs(got - share) < 1 + len(STRATA) * (count < DEFAULT_PURCHASES)


@given(seed=st.integers(0, 2**63), count=st.integers(0, 60))
def test_one_seed_gives_one_plan_to_the_byte(seed: int, count: int) -> None:
    """
    The same seed draws the same bytes, in whatever order products are listed.
    """
    first = plan_purchases(seed, SALE, count)
    again = plan_purchases(seed, dict(reversed(SALE.items())), count)

    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    assert [purchase.ordinal for purchase in first] == list(range(1, count + 1))


def test_the_bytes_of_a_seed_are_these() -> None:
    """
    A plan of today is the plan of tomorrow: its digest is written down here.
    """
    assert digest_of(plan_purchases(7, SALE, 20)) == DIGEST
    assert digest_of(plan_purchases(8, SALE, 20)) != DIGEST


# A digest of a plan, no secret.
DIGEST = (
    "850be652dc88523a63900acf6205b8493b6e42e969695ca0c7b566f149b6394c"  # pragma: allowlist secret
)


def test_only_who_pays_once_buys_what_is_sold_more_than_once() -> None:
    """
    Whoever presses the button twice buys something had once, so that two payments are one too many.
    """
    several = [one for one in plan_purchases(3, SALE) if one.product == "lore-pack"]

    assert several
    assert {one.stratum for one in several} <= {"plain", "pin", "declined", "insufficient"}


def test_nothing_for_sale_is_refused() -> None:
    """
    A plan without products says what is missing.
    """
    with pytest.raises(ValueError, match=r"shop\.prices"):
        plan_purchases(1, {})


@given(run=st.from_regex(r"[0-9]{8}T[0-9]{6}Z-[a-z][a-z0-9-]{0,90}[a-z0-9]", fullmatch=True))
def test_every_intent_has_an_address_of_its_own_that_a_shop_takes(run: str) -> None:
    """
    Addresses are told apart by ordinal and run, in lower case, and no longer than allowed.
    """
    one, other = email_of("i1", run, "drill.test"), email_of("i12", run, "drill.test")

    assert one != other
    assert email_of("i1", run + "x", "drill.test") != one
    assert re.fullmatch(r"i1-[a-z0-9-]{1,61}@drill\.test", one)


def test_an_intent_says_who_and_what() -> None:
    """
    The record that is on disk first names the customer, the product and the stratum.
    """
    purchase = plan_purchases(1, SALE, 3)[1]
    record = intended(purchase, "r1", "drill.test", 2.5)

    assert (record.t, record.id, record.ordinal) == (2.5, "i2", 2)
    assert (record.email, record.stratum) == ("i2-r1@drill.test", purchase.stratum)
