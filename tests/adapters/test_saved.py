"""A saved adapter is an ordinary PEFT folder: all of its state and the same bits come back."""

import json

import pytest
import torch

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")
LANGUAGE = "language_model"


@pytest.mark.parametrize("method", METHODS)
def test_all_state_comes_back(saved, logits, load, batch, method):
    adapted, before = load(method), torch.load(saved / f"{method}-state.pt")
    after = adapted.base_model.state_dict()
    assert after.keys() == before.keys()
    assert [name for name, value in before.items() if not torch.equal(after[name], value)] == []
    assert torch.equal(logits(adapted, batch), torch.load(saved / f"{method}.pt"))


def test_what_comes_back_of_branchlora_is_worth_keeping(load):
    tuner = load("branchlora").base_model
    for name, update in tuner.updates.items():
        if LANGUAGE in name:
            assert int(update.frozen.sum()) == 2
            assert update.tasks[0].counts.sum() == 8
            assert torch.equal(update.tasks[1].closed, update.frozen)
    assert [bool(key.image.any() and key.text.any()) for key in tuner.selector.keys] == [True, False]


def test_a_saved_folder_says_what_it_is(saved):
    said = json.loads((saved / "branchlora" / "adapter_config.json").read_text())
    assert (said["peft_type"], said["method"]) == ("CVIT_BENCH", "branchlora")
    assert (said["tasks"], said["branches"]) == (["a", "b"], [4, 4])
    assert said["settings"]["num_branches"] == 4
