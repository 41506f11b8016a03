"""The one pattern that names LoRA's layers matches all that were given and no layer of another name."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.lora import one_pattern

PART = st.text("abcxyz_0189", min_size=1, max_size=6)
NAME = st.lists(PART | st.integers(0, 120).map(str), min_size=1, max_size=5).map(".".join)


def matched(linears, name):
    return re.fullmatch(one_pattern(tuple(linears)), name) is not None


@settings(max_examples=50)
@given(st.lists(NAME, min_size=1, max_size=8))
def test_every_given_name_is_matched(linears):
    assert all(matched(linears, name) for name in linears)


@settings(max_examples=50)
@given(st.lists(NAME, min_size=1, max_size=8), NAME)
def test_a_name_with_another_leaf_is_not_matched(linears, name):
    leaves = {linear.rpartition(".")[2] for linear in linears}
    if name.rpartition(".")[2] not in leaves:
        assert not matched(linears, name)


@settings(max_examples=50)
@given(st.lists(NAME, min_size=1, max_size=8), NAME)
def test_a_name_that_is_matched_differs_from_a_given_one_in_layer_numbers_only(linears, name):
    def folded(text):
        first, *middle, last = text.split(".") if "." in text else (text, "")
        return (first, *("#" if part.isdigit() else part for part in middle), last)

    if matched(linears, name):
        assert folded(name) in {folded(linear) for linear in linears}


@settings(max_examples=50)
@given(NAME, PART)
def test_a_name_is_matched_as_a_whole(name, more):
    assert not matched([name], f"{more}.{name}")
    assert not matched([name], f"{name}.{more}")


@pytest.mark.parametrize("near", ["model_layers_0_q_proj", "model.layers.x.q_proj", "model.layers.0.q_projx"])
def test_dots_are_dots_and_numbers_are_numbers(near):
    linears = ["model.layers.0.q_proj", "model.layers.1.q_proj"]
    assert matched(linears, "model.layers.0.q_proj")
    assert not matched(linears, near)


def test_layers_of_one_kind_share_one_alternative():
    linears = tuple(f"model.layers.{at}.{leaf}" for at in range(32) for leaf in ("q_proj", "v_proj"))
    assert one_pattern(linears).count("|") == 1
