"""What is made of weights alone is made once, and is never out of date."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cvit_bench.adapters.prepared import PreparingModule


class Doubling(PreparingModule):
    """Gives twice its weight, prepared; `made` counts how often that was made."""

    def __init__(self, learns=False):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).view(2, 3), requires_grad=learns)
        self.made = 0

    def forward(self):
        return self.prepared.get("double", [self.weight], self._double)

    def _double(self):
        self.made += 1
        return torch.einsum("ab,bc->ac", self.weight, 2 * torch.eye(3))


def write(layer):
    with torch.no_grad():
        layer.weight.mul_(1.5)


def write_in_inference(layer):
    with torch.inference_mode():
        layer.weight.add_(1.0)


def load(layer):
    layer.load_state_dict({"weight": layer.weight + 2})


def load_by_assignment(layer):
    layer.load_state_dict({"weight": layer.weight + 3}, assign=True)
    layer.requires_grad_(False)


def put_elsewhere(layer):
    layer.weight.data = layer.weight.data + 4


def replace(layer):
    layer.weight = nn.Parameter(layer.weight + 5, requires_grad=False)


def round_off(layer):
    with torch.no_grad():
        layer.weight.add_(0.123456789)
    layer.to(torch.bfloat16).to(torch.float32)


def write_unseen(layer):
    layer.weight.data.mul_(0.5)
    layer.eval()


def learn(layer):
    """A step of an optimizer whose writes torch does not count."""
    layer.requires_grad_(True)
    optimizer = torch.optim.AdamW([layer.weight], lr=0.5, fused=True)
    layer().sum().backward()
    with torch.no_grad():
        layer()
    optimizer.step()
    layer.requires_grad_(False)


CHANGES = (
    write,
    write_in_inference,
    write_unseen,
    load,
    load_by_assignment,
    put_elsewhere,
    replace,
    round_off,
)


@settings(max_examples=100)
@given(st.lists(st.sampled_from((*CHANGES, learn)), min_size=1, max_size=6))
def test_it_is_up_to_date_after_any_changes(changes):
    layer = Doubling()
    for change in changes:
        layer()
        change(layer)
        assert torch.equal(layer(), 2 * layer.weight)


def test_it_is_made_once_for_weights_that_stay():
    layer = Doubling()
    with torch.inference_mode():
        found = layer()
    with torch.no_grad():
        layer()
    layer()
    assert layer.made == 1
    assert not found.is_inference()


def test_it_is_made_anew_where_it_has_a_gradient():
    layer = Doubling(learns=True)
    layer().sum().backward()
    layer().sum().backward()
    assert layer.made == 2
    assert torch.equal(layer.weight.grad, torch.full((2, 3), 4.0))


def test_weights_made_in_inference_are_not_kept_track_of():
    with torch.inference_mode():
        layer = Doubling()
        layer()
        layer.weight.mul_(3)
        assert torch.equal(layer(), 2 * layer.weight)


def test_each_precision_has_its_own():
    layer = Doubling()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer().dtype == torch.bfloat16
    assert layer().dtype == torch.float32
    assert layer.made == 2


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_prepares_its_own(duplicate):
    layer = Doubling()
    layer()
    other = duplicate(layer)
    write(layer)
    assert torch.equal(other(), 2 * other.weight)
    assert other.made == 2


@pytest.mark.parametrize("change", ["write", "load", "move", "stage"])
@pytest.mark.parametrize("method", ["smolora", "branchlora"])
def test_adapters_answer_by_their_weights_of_the_moment(adapt, shake, tell, logits, batch, method, change):
    adapted = shake(adapt(method, **({"frozen_routes": "avoid"} if method == "branchlora" else {})))
    routing = tell(adapted, [0, 1, 1, 0])
    adapted.requires_grad_(False)
    before = logits(adapted, batch)
    if change == "write":
        shake(adapted, seed=9)
    elif change == "load":
        adapted.load_state_dict(
            {n: 1.1 * v if ".routed." in n else v for n, v in adapted.state_dict().items()}
        )
    elif change == "move":
        for name, weight in adapted.named_parameters():
            weight.data = weight.data + 0.1 * (".routed." in name)
    else:
        for update in adapted.base_model.updates.values():
            for branch in getattr(update, "branches", [])[:2]:
                branch.frozen.fill_(True)
            getattr(update, "down", torch.zeros(1)).mul_(2.0)
        adapted.base_model.begin_stage(0)
        adapted.requires_grad_(False)
    found = logits(adapted, batch)
    assert not torch.equal(found, before)
    fresh = copy.deepcopy(adapted)
    assert torch.equal(found, logits(fresh, batch))
    assert torch.equal(found, logits(adapted, batch))
    assert routing.passes == 3
