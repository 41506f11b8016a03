"""CIDEr against numbers of the public caption evaluation and of a released benchmark script."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cvit_bench.answers.consensus import clipped, corpus_scores, cosine
from cvit_bench.answers.ptb import ptb_tokens
from cvit_bench.records.sample import Sample
from cvit_bench.scorers.released import flickr30k, textcaps

FROZEN = json.loads(Path(__file__).with_name("cider_ptb.json").read_text("utf-8"))


def _items(documents):
    return [(one["id"], one["references"], one["answer"]) for one in documents]


def test_public_pipeline_with_its_own_tokenizer():
    """Frozen numbers of Stanford's PTB tokenizer and the public CIDEr; provenance stands in the file."""
    found = corpus_scores(_items(FROZEN["documents"]), ptb_tokens)
    assert found == pytest.approx([one["cider"] for one in FROZEN["documents"]], abs=1e-9)
    assert sum(found) / len(found) == pytest.approx(FROZEN["mean"], abs=1e-9)


def test_textcaps_script_of_the_cvit_benchmark():
    """White-space tokens, case and punctuation kept: 259.19, 222.41, 0.00, mean 160.54 (published vector)."""
    items = _items(FROZEN["documents"][:3])
    found = [100 * value for value in corpus_scores(items, str.split)]
    assert found == pytest.approx([259.19, 222.41, 0.0], abs=0.005)
    assert sum(found) / 3 == pytest.approx(160.54, abs=0.01)


def test_our_tokens_on_the_same_captions_see_more():
    """Lower-casing and splitting off the full stop let `kitchen` meet `kitchen.`."""
    found = corpus_scores(_items(FROZEN["documents"][:3]), ptb_tokens)
    assert found == pytest.approx([2.7204931832, 2.3326007619, 0.3486276962], abs=1e-9)


# CIDEr and CIDEr-D written down from the equations of Vedantam, Zitnick and Parikh (2015), section 3, with
# counts for term frequencies, slowly and without our code: a sentence is a list of words.


def grams(words, n):
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def weight(gram, words, documents):
    """g_k: how often the n-gram stands in the sentence, times ln(documents / documents that hold it)."""
    holding = sum(any(gram in grams(one, len(gram)) for one in document) for document in documents)
    return grams(words, len(gram)).count(gram) * math.log(len(documents) / max(1, holding))


def norm(words, n, documents):
    return math.sqrt(sum(weight(gram, words, documents) ** 2 for gram in set(grams(words, n))))


def literal_cosine(answer, reference, n, documents, clip):
    sizes = norm(answer, n, documents) * norm(reference, n, documents)
    if sizes == 0:
        return 0.0
    total = 0.0
    for gram in set(grams(answer, n)) | set(grams(reference, n)):
        a, r = weight(gram, answer, documents), weight(gram, reference, documents)
        total += (min(a, r) if clip else a) * r
    return total / sizes


def literal_cider(answers, documents, clip):
    """Return the score of each answer; documents[i] are the references of answer i."""
    found = []
    for answer, references in zip(answers, documents, strict=True):
        total = 0.0
        for reference in references:
            gap = max(0, len(answer) - 1) - max(0, len(reference) - 1)
            penalty = math.exp(-(gap**2) / (2 * 6.0**2)) if clip else 1.0
            for n in (1, 2, 3, 4):
                total += penalty * literal_cosine(answer, reference, n, documents, clip) / 4
        found.append(10 * total / len(references))
    return found


WORDS = st.lists(st.sampled_from(["a", "man", "rides", "horse", "dog", "snow", "the", "two"]), max_size=7)


@settings(max_examples=60)
@given(st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_the_equations_of_the_paper(corpus):
    """Any corpus gives what a slow, literal transcription of the equations gives, clipped or not."""
    answers, documents = [answer for answer, _ in corpus], [references for _, references in corpus]
    items = [
        (str(at), [" ".join(one) for one in references], " ".join(answer))
        for at, (answer, references) in enumerate(corpus)
    ]
    for clip, similarity in ((True, clipped), (False, cosine)):
        expected = literal_cider(answers, documents, clip)
        assert corpus_scores(items, str.split, similarity) == pytest.approx(expected, abs=1e-9)


def test_flickr30k_script_of_the_cvit_benchmark():
    """Arguments swapped: 837.59, 480.95, 0.00, mean 439.51 (published vector)."""
    samples = [(Sample(i, "?", tuple(refs)), text) for i, refs, text in _items(FROZEN["documents"][:3])]
    found = [100 * one.value for one in flickr30k.score(None, samples)]
    assert found == pytest.approx([837.59, 480.95, 0.0], abs=0.005)
    assert sum(found) / 3 == pytest.approx(439.51, abs=0.005)


@settings(max_examples=30)
@given(st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_the_swap_written_out(corpus):
    """The kept references as answers, the answers as the only references; same equations."""
    kept = []
    for answer, references in corpus:
        alone = literal_cider([answer] * len(references), [[one] for one in references], True)
        best = [one for one, value in zip(references, alone, strict=True) if value > max(alone) - 1e-9]
        assume(all(one == best[0] for one in best))  # among equals the last bit would decide
        kept.append(best[0])
    expected = literal_cider(kept, [[answer] for answer, _ in corpus], True)
    samples = [
        (Sample(str(at), "?", tuple(" ".join(one) for one in references)), " ".join(answer))
        for at, (answer, references) in enumerate(corpus)
    ]
    assert [one.value for one in flickr30k.score(None, samples)] == pytest.approx(expected, abs=1e-9)


def test_published_rule_of_caption_form():
    """Of the three golden captions the last one does not follow its instruction: 66.67."""
    samples = [(Sample(i, "?", tuple(refs)), text) for i, refs, text in _items(FROZEN["documents"][:3])]
    for module in (flickr30k, textcaps):
        kept = [one.form for one in module.score(None, samples)]
        assert kept == [True, True, False]
        assert 100 * sum(kept) / 3 == pytest.approx(66.67, abs=0.005)
