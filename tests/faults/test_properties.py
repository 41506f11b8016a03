"""Readers of other people's files under files that were changed at random: a record or one message."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions
from tests.faults.targets import TARGETS, feed, seeds

WORDS = (
    b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"9" * 5000, b'""', b'"x"', b"[]", b"{}", b"[[]]",
    b"\\u0000", b"\\ud800", b'"\\udc00"', b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r\n", b"\xe2\x80\xa8", b"\t",
    b",", b":", b"- ", b"&a ", b"*a", b"!!python/name:os.system ", b"? ", b"|\n", b"1_000", b"2001-01-01",
    b"0o7", b"=1+1", b"../../x",
)  # fmt: skip
KEYS = (b'"id": "', b'"question_id": "', b'"text": "', b'"value": "', b'"question": "', b'"target": "')
FROM_TWO_FILES = {f"reader {name}" for name in ("coco_captions", "gqa", "ocrvqa", "table", "vizwiz", "vqa")}
PLACE = st.floats(0, 1, exclude_max=True)
CHANGE = st.tuples(PLACE, st.integers(0, 30), st.sampled_from(WORDS) | st.binary(max_size=6))


@pytest.fixture(scope="module")
def files():
    """Sound files for every target."""
    return seeds()


def changed(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Put other bytes in the place of some."""
    for place, length, new in changes:
        at = int(place * len(content))
        content = content[:at] + new + content[at + length :]
    return content


@pytest.mark.parametrize("name", TARGETS)
def test_a_changed_file_is_read_or_refused_with_one_message(name, files, tmp_path):
    @settings(max_examples=40)
    @given(st.sampled_from(files[name]), st.lists(CHANGE, min_size=1, max_size=4))
    def check(content, changes):
        feed(name, changed(content, changes), tmp_path)

    check()


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused(name, tmp_path):
    @settings(max_examples=15)
    @given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode()))
    def check(content):
        feed(name, content, tmp_path)

    check()


def test_every_target_takes_a_sound_file(files, tmp_path):
    """Only what is accepted before it is changed tells anything about the changes."""
    lacking = {name for name in TARGETS if not any(feed(name, one, tmp_path) for one in files[name])}
    assert lacking <= FROM_TWO_FILES


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT, TEXT), max_size=5))
@settings(max_examples=40)
def test_predictions_come_back_whatever_their_text(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("answers") / "v0.jsonl"
    made = [Prediction(id=name, key="0" * 64, prompt=asked, text=said) for name, asked, said in rows]
    append_predictions(path, made)
    found = read_predictions(path)
    assert (found.predictions, found.damaged) == (made, [])


@pytest.mark.parametrize("name", ["reader llava", "reader jsonl", "reader coin", "import coin"])
def test_half_of_a_surrogate_pair_is_refused(name, files, tmp_path):
    """No file can be written with it, so it ended in a trace after the answer was made."""
    good = next(content for content in files[name] if feed(name, content, tmp_path))
    spoilt = [good.replace(key, key + b"\\ud800") for key in KEYS if key in good]
    assert spoilt
    assert [feed(name, content, tmp_path) for content in spoilt] == [False] * len(spoilt)


ODD = {
    "adapter config": (
        b'{"method": "%s"}' % (b"x" * 5000), b'{"method": ["x"]}', b'{"peft_type": {}}', b'{"settings": [1]}',
        b'{"settings": {"instruction_key": [1]}}', b'{"a":' * 100_000,
    ),
    "base config": (
        b'{"model_type": "llava", "image_token_index": "x"}', b'{"model_type": [1]}', b"[]", b"[" * 100_000,
        b'{"model_type": "llava", "image_token_index": 1e999}', b'{"model_type": "../x"}',
    ),
    "save of training": (b'{"a":' * 100_000, b'{"origin": [], "processes": {}}', b"[1]"),
    "json SelfTest": (b'{"schema_version":1,"stages":{},"checks":[],"placement":{},"packages":{}}',),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_configurations_are_refused(name, tmp_path):
    """Well-formed, but not what is read from it next: what random changes hardly ever make."""
    assert [feed(name, content, tmp_path) for content in ODD[name]] == [False] * len(ODD[name])
