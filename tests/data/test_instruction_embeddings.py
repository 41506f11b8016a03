"""The stored instruction embeddings: they cover what ships, and a stale or missing row is refused."""

import numpy as np
import pytest

from cvit_bench.data.instruction_embeddings import (
    REMAKE,
    instruction_embedding,
    instruction_text,
    open_table,
    save_table,
    text_sha256,
    variant_key,
)
from cvit_bench.data.library import open_library
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.template import Template, Variant
from cvit_bench.resources import INSTRUCTION_WIDTH, instruction_table

LIBRARY = open_library()
PAIRS = [
    (template, variant)
    for template in map(LIBRARY.template, sorted(LIBRARY.templates))
    for variant in template.variants
]


def _template(text="{{ question }}\n Say   it. "):
    return Template(
        name="pets", answer_form="class_name", variants=(Variant(id="v0", split="train", text=text),)
    )


@pytest.fixture
def stored(tmp_path):
    """Return a table with one row, made for the template above."""
    template, path = _template(), tmp_path / "table.safetensors"
    save_table(path, [(template, template.variants[0])], np.arange(INSTRUCTION_WIDTH, dtype=np.float32)[None])
    return path


def test_the_table_covers_every_bundled_variant_and_nothing_else():
    rows = open_table(instruction_table()).index.rows
    made_of = {key: row.sha256 for key, row in rows.items()}
    stale = [variant_key(*pair) for pair in PAIRS if made_of.get(variant_key(*pair)) != text_sha256(*pair)]
    assert stale == [], f"`{REMAKE}` makes the table again"
    assert list(rows) == [variant_key(*pair) for pair in PAIRS]
    assert sorted(row.row for row in rows.values()) == list(range(len(PAIRS)))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: variant_key(*pair))
def test_an_embedding_is_384_finite_numbers_that_are_not_normalised(pair):
    found = instruction_embedding(*pair)
    assert (found.shape, found.dtype) == ((INSTRUCTION_WIDTH,), np.float32)
    assert np.isfinite(found).all()
    assert 2 < np.linalg.norm(found) < 8


def test_no_two_variants_share_an_embedding():
    values = open_table(instruction_table()).values
    assert len(np.unique(values.round(4), axis=0)) == len(PAIRS)


def test_what_is_embedded_is_the_wording_without_the_sample():
    assert instruction_text(_template(), _template().variants[0]) == "Say it."
    template = LIBRARY.template("option_letter")
    assert (
        instruction_text(template, template.variants[0]) == "Answer with the letter of the right option only."
    )


def test_a_row_comes_back_as_it_was_stored(stored):
    found = instruction_embedding(_template(), _template().variants[0], stored)
    np.testing.assert_array_equal(found, np.arange(INSTRUCTION_WIDTH))
    found[0] = 7
    assert instruction_embedding(_template(), _template().variants[0], stored)[0] == 0


def test_the_same_table_is_written_with_the_same_bytes(stored):
    before, template = stored.read_bytes(), _template()
    save_table(
        stored, [(template, template.variants[0])], np.arange(INSTRUCTION_WIDTH, dtype=np.float32)[None]
    )
    assert stored.read_bytes() == before


def test_a_reworded_variant_is_refused(stored):
    template = _template("{{ question }} Say it aloud.")
    with pytest.raises(CvitBenchError, match=r"'pets', variant 'v0': was reworded .* --encoder PATH"):
        instruction_embedding(template, template.variants[0], stored)


def test_white_space_and_the_place_of_the_question_make_no_other_instruction(stored):
    template = _template("Say it.\n\n{{ question }}")
    assert instruction_embedding(template, template.variants[0], stored).shape == (INSTRUCTION_WIDTH,)


def test_a_variant_that_is_not_stored_is_refused():
    with pytest.raises(
        CvitBenchError, match=r"template 'pets', variant 'v0': has no stored embedding; `python"
    ):
        instruction_embedding(_template(), _template().variants[0])


def test_a_variant_without_an_instruction_has_no_embedding():
    template = _template("{{ question }}")
    with pytest.raises(CvitBenchError, match="variant 'v0': text: says nothing beside the sample"):
        instruction_text(template, template.variants[0])


def test_a_file_that_is_no_table_is_refused(tmp_path):
    for content in (None, b"", b"x" * 100):
        path = tmp_path / f"{len(content or b'')}.safetensors"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CvitBenchError, match="no table of instruction embeddings"):
            open_table(path)
