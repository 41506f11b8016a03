"""Train files of LLaVA's kind and the question files of CoIN, CVIT and UCIT, as they are published."""

import json

import pytest

TRAIN = [
    {
        "id": "12",
        "image": "GQA/images/1.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nIs it red?\nSay it in a word."},
            {"from": "gpt", "value": "yes"},
        ],
    },
    {
        "question_id": 13,
        "conversations": [
            {"from": "human", "value": "Which is a fruit?\nA. fig\nB. dog\nGive the letter."},
            {"from": "gpt", "value": "A"},
        ],
    },
    {
        "image": "./GQA/images/1.jpg",
        "conversations": [
            {"from": "human", "value": "What is it?\n<image>"},
            {"from": "gpt", "value": "A cat."},
            {"from": "human", "value": "And where?"},
            {"from": "gpt", "value": "Here."},
        ],
    },
]
QUESTIONS = [
    {"question_id": 7, "image": "a.jpg", "text": "Is it red?\nSay it in a word.", "answer": "yes"},
    {"question_id": "8", "text": "Which one?\nGive the letter.", "answer": "B"},
    {"question_id": "9", "image": "b.jpg", "text": "What is it?\nIn a sentence.", "answer": ["One.", "Two."]},
    {"question_id": "10", "image": "b.jpg", "text": "What is it?\nSay it.", "answer": 3},
    {
        "question_id": "11",
        "image": "b.jpg",
        "text": "Where is the dog?\nIn shares.",
        "answer_bbox": "[0.1, 0.20, 0.5, 1]",
        "size": [640, 480],
    },
]


def test_a_train_file_gives_prompts_as_published_and_questions_without_their_last_line(write, read, tmp_path):
    samples = read("llava", write("train.json", TRAIN), images=(tmp_path / "pictures",))
    assert [sample.id for sample in samples] == ["12", "13", "3", "3.2"]
    assert samples[0].prompt == "Is it red?\nSay it in a word."
    assert [sample.question for sample in samples] == [
        "Is it red?",
        "Which is a fruit?\nA. fig\nB. dog",
        "What is it?",
        "And where?",
    ]
    assert [sample.answers for sample in samples] == [("yes",), ("A",), ("A cat.",), ("Here.",)]
    assert samples[1].picture is None
    assert samples[0].picture.place == str(tmp_path / "pictures/GQA/images/1.jpg")
    assert samples[3].picture is samples[2].picture


def test_a_picture_that_two_rows_name_is_one_picture(write, read):
    one, other = read("llava", write("train.json", [TRAIN[0], {**TRAIN[0], "id": "x"}]))
    assert one.picture is other.picture


def test_samples_know_the_lines_they_come_from(write, read):
    path = write("train.json", TRAIN)
    lines = path.read_text().splitlines()
    for sample in read("llava", path):
        number = int(sample.place.removeprefix(f"{path}:"))
        assert lines[number - 1].strip() == "{"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conversations": []}, "conversations: expected turns of human and gpt in turn"),
        ({"conversations": None}, "conversations: expected turns"),
        ({"conversations": TRAIN[0]["conversations"][:1]}, "conversations: expected turns"),
        ({"conversations": TRAIN[0]["conversations"][::-1]}, "conversations: expected turns"),
        (
            {"conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": " "}]},
            "gpt: value: exp",
        ),
        (
            {"conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "a"}]},
            "human: value",
        ),
        (
            {"conversations": [{"from": "human", "value": "<image><image>?"}, {"from": "gpt", "value": "a"}]},
            "<image>: one picture is read",
        ),
        ({"image": None}, "<image>: marks a picture, but the row names none"),
        ({"image": "../../secret.png"}, "image: ../../secret.png lies outside"),
        ({"image": ["a.png", "b.png"]}, "image: expected the path of a file"),
        ({"image": "a" * 300}, "File name too long"),
    ],
)
def test_a_faulty_train_row_is_named_by_line_and_id_and_the_others_are_read(write, faults, changes, said):
    path = write("train.json", [TRAIN[1], {**TRAIN[0], **changes}, {**TRAIN[0], "id": "z"}])
    samples, found = faults("llava", path)
    assert [sample.id for sample in samples] == ["13", "z"]
    (fault,) = found
    assert fault.startswith(f"{path}:15: id 12: ")
    assert said in fault


def test_a_question_file_has_one_answer_several_or_a_box(write, read):
    samples = read("coin", write("test.json", QUESTIONS))
    assert [sample.id for sample in samples] == ["7", "8", "9", "10", "11"]
    assert [sample.answers for sample in samples] == [
        ("yes",),
        ("B",),
        ("One.", "Two."),
        ("3",),
        ("[0.1, 0.20, 0.5, 1]",),
    ]
    assert samples[1].picture is None
    assert samples[0].prompt == "Is it red?\nSay it in a word."
    assert samples[0].question == "Is it red?"
    assert samples[4].question == samples[4].prompt


def test_question_files_may_be_json_lines(write, read):
    text = "".join(json.dumps(row) + "\n" for row in QUESTIONS)
    assert read("coin", write("test.jsonl", text))[3].place.endswith("test.jsonl:4")


def test_a_question_without_an_answer_is_left_to_the_references(write, read):
    path = write("val.json", [{key: QUESTIONS[0][key] for key in ("question_id", "image", "text")}])
    assert read("coin", path)[0].answers == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question_id": None}, "question_id: expected a text"),
        ({"text": "  "}, "text: expected a text"),
        ({"answer": []}, "answer: holds no answer"),
        ({"answer": ["a", ""]}, "answer.1: expected a text"),
        ({"answer": ""}, "answer: expected a text"),
        ({"answer": float("nan")}, "answer: expected a text (got nan)"),
        ({"answer": ["3", float("inf")]}, "answer.1: expected a text (got inf)"),
        ({"answer_bbox": "[0.1, 0.2, 0.3]"}, "answer_bbox: expected [x1, y1, x2, y2]"),
        ({"answer_bbox": "[0.5, 0.2, 0.3, 0.4]"}, "answer_bbox: expected"),
        ({"answer_bbox": "[0.1, 0.2, 0.3, 1.4]"}, "answer_bbox: expected"),
        ({"answer_bbox": "[0.1, 0.2, 0.3, nan]"}, "answer_bbox: expected"),
        ({"answer_bbox": 5}, "answer_bbox: expected"),
    ],
)
def test_a_faulty_question_is_named(write, faults, changes, said):
    path = write("test.json", [QUESTIONS[1], {**QUESTIONS[0], **changes}])
    samples, (fault,) = faults("coin", path)
    assert [sample.id for sample in samples] == ["8"]
    assert fault.startswith(f"{path}:7: ")
    assert said in fault


@pytest.mark.parametrize("reader", ["coin", "llava", "vizwiz"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'[{"question_id": 1, "te', ":1: not valid JSON: the file ends too early"),
        (b'[\n{"a": 1},\n', ":3: not valid JSON: the file ends too early"),
        (b'[\n{"a": 1}\n{"b": 2}]', ":3: not valid JSON: expected a comma or ]"),
        (b'[\n\n{"a": "\xff"}]', ":3: not UTF-8 text (byte 10 of the file)"),
        (b"[1]", ":1: expected keys and values, got int"),
        (b"[" * 100_000, "not valid JSON: "),
    ],
    ids=["cut", "cut between rows", "comma", "latin-1", "number", "nested"],
)
def test_a_file_that_is_broken_is_one_fault_with_its_line(write, faults, reader, data, said):
    path = write("test.json", data)
    _, found = faults(reader, path)
    assert said in found[-1]


def test_rows_before_a_cut_are_read(write, faults):
    whole = write("test.json", QUESTIONS).read_bytes()
    samples, (fault,) = faults("coin", write("cut.json", whole[: len(whole) // 2]))
    assert [sample.id for sample in samples] == ["7", "8"]
    assert "the file ends too early" in fault
