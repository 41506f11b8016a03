"""`auto` follows the machine; what is asked for by name is done."""

import pytest
import torch

from cvit_bench.train.precision import chosen, computing

CPU = torch.device("cpu")


def test_a_named_precision_is_kept():
    assert chosen("float32", CPU) == "float32"
    assert chosen("bfloat16", CPU) == "bfloat16"


def test_auto_is_one_of_the_two_and_says_the_same_twice():
    assert chosen("auto", CPU) in ("float32", "bfloat16")
    assert chosen("auto", CPU) == chosen("auto", CPU)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_products_are_computed_in_that_precision_and_gradients_in_the_weights(precision):
    weight = torch.nn.Parameter(torch.eye(4))
    with computing(precision, CPU):
        product = torch.ones(2, 4) @ weight
    product.float().sum().backward()
    assert product.dtype == getattr(torch, precision)
    assert weight.grad.dtype == torch.float32
