"""A suite of two stages, so that training end to end stays short."""

import pytest

SUITE = """schema_version: 1
name: pair
version: 1
title: Pair
description: Two stages of the embedded suite, and a few samples of an unseen task.
train: [mini_geo, mini_read]
unseen: [mini_places]
few_shot: {mini_places: [1]}
base: embedded:mini
training: {steps: 6, batch_size: 4, learning_rate: 0.002, save_steps: 2, precision: float32}
adapter: {rank: 16, alpha: 32, dropout: 0.1, a_init: kaiming}
"""


@pytest.fixture(scope="session")
def pair(tmp_path_factory) -> str:
    """The path of the suite's yaml."""
    path = tmp_path_factory.mktemp("pair") / "tasks" / "suites" / "pair.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(SUITE, encoding="utf-8")
    return str(path)
