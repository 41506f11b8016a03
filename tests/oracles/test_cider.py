"""CIDEr against numbers of the public caption evaluation and of a released benchmark script."""

import json
from pathlib import Path

import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import cider

FROZEN = json.loads(Path(__file__).with_name("cider_ptb.json").read_text("utf-8"))


def _items(documents):
    return [(Sample(one["id"], "?", tuple(one["references"])), one["answer"]) for one in documents]


def test_public_pipeline_with_its_own_tokenizer():
    """Frozen numbers of Stanford's PTB tokenizer and the public CIDEr; provenance stands in the file."""
    found = cider._corpus_scores(_items(FROZEN["documents"]), cider._tokens)
    assert found == pytest.approx([one["cider"] for one in FROZEN["documents"]], abs=1e-9)
    assert sum(found) / len(found) == pytest.approx(FROZEN["mean"], abs=1e-9)


def test_textcaps_script_of_the_cvit_benchmark():
    """White-space tokens, case and punctuation kept: 259.19, 222.41, 0.00, mean 160.54 (published vector)."""
    items = _items(FROZEN["documents"][:3])
    found = [100 * value for value in cider._corpus_scores(items, str.split)]
    assert found == pytest.approx([259.19, 222.41, 0.0], abs=0.005)
    assert sum(found) / 3 == pytest.approx(160.54, abs=0.01)


def test_our_tokens_on_the_same_captions_see_more():
    """Lower-casing and splitting off the full stop let `kitchen` meet `kitchen.`."""
    found = cider._corpus_scores(_items(FROZEN["documents"][:3]), cider._tokens)
    assert found == pytest.approx([2.7204931832, 2.3326007619, 0.3486276962], abs=1e-9)
