"""The datasets' own annotation files, a few rows each in exactly the published shape."""

import base64
import io

import pytest
from PIL import Image

PROBLEMS = {
    "1": {
        "question": "Which is north?",
        "choices": ["Ohio", "Texas"],
        "answer": 1,
        "hint": "",
        "image": "image.png",
        "task": "closed choice",
        "grade": "grade2",
        "subject": "social science",
        "topic": "geography",
        "category": "Geography",
        "skill": "Read a map",
        "lecture": "",
        "solution": "",
        "split": "train",
    },
    "4": {
        "question": "Which is soft?",
        "choices": ["a", "b", "c"],
        "answer": 0,
        "hint": "Look.",
        "image": None,
        "split": "test",
    },
    "5": {
        "question": "Which is loud?",
        "choices": ["a", "b"],
        "answer": 1,
        "hint": None,
        "image": "image.png",
        "split": "test",
    },
}
PARTS = {"train": ["1"], "val": [], "test": ["5", "4"], "minitest": ["4"]}
TEXTVQA = {
    "dataset_type": "val",
    "dataset_name": "textvqa",
    "dataset_version": "0.5.1",
    "data": [
        {
            "question": "what brand?",
            "image_id": "003a8ae2ef43b901",
            "image_classes": ["Camera"],
            "flickr_original_url": "https://x/y.jpg",
            "image_width": 1024,
            "answers": ["nous les gosses", "dakota", *["dakota"] * 8],
            "question_tokens": ["what", "brand"],
            "question_id": 34602,
            "set_name": "val",
        }
    ],
}
TEXTCAPS = {
    "dataset_name": "textcaps",
    "data": [
        {"image_id": "a1", "caption_str": "One.", "caption_id": 1, "reference_strs": ["One.", "Two."]},
        {"image_id": "a1", "caption_str": "Two.", "caption_id": 2, "reference_strs": ["One.", "Two."]},
        {"image_id": "b2", "caption_str": "Three.", "caption_id": 3, "reference_strs": ["Three."]},
    ],
}
GQA = {
    "201307251": {
        "semantic": [],
        "entailed": [],
        "question": "Is it overcast?",
        "imageId": "n161313",
        "isBalanced": True,
        "answer": "no",
        "fullAnswer": "No, it is clear.",
    },
    "201640614": {"question": "Who?", "imageId": "n235859", "isBalanced": False, "answer": "girl"},
    "3": {"question": "Where?", "imageId": "2", "answer": "left"},
}
VQA = {
    "info": {},
    "task_type": "Open-Ended",
    "data_type": "mscoco",
    "questions": [
        {"image_id": 262148, "question": "Where?", "question_id": 262148000},
        {"image_id": 42, "question": "Who?", "question_id": 42001},
    ],
    "data_subtype": "val2014",
}
VQA_ANSWERS = {
    "info": {},
    "annotations": [
        {
            "question_type": "where",
            "multiple_choice_answer": "here",
            "answers": [
                {"answer": "here", "answer_confidence": "yes", "answer_id": 1},
                {"answer": "there", "answer_confidence": "maybe", "answer_id": 2},
            ],
            "image_id": 42,
            "answer_type": "other",
            "question_id": question,
        }
        for question in (42001, 262148000)
    ],
}
VIZWIZ = [
    {
        "image": "VizWiz_val_00000000.jpg",
        "question": "What?",
        "answers": [{"answer_confidence": "yes", "answer": "unanswerable"}, {"answer": "tea"}],
        "answer_type": "unanswerable",
        "answerable": 0,
    },
    {"image": "VizWiz_test_00000001.jpg", "question": "Which?"},
]
OCRVQA = {
    "0310599911": {
        "imageURL": "http://ecx.images-amazon.com/images/I/51.jpg",
        "title": "The Book",
        "genre": "Bibles",
        "questions": ["Who wrote it?", "Is it a Bible?"],
        "answers": ["A. Uthor", "Yes"],
        "split": 1,
    },
    "1": {"imageURL": "http://x/I/5.gif", "questions": ["Title?"], "answers": ["T"], "split": 3},
}
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [
        {"image_id": 1, "id": 1, "caption": "One."},
        {"image_id": 2, "id": 2, "caption": "Two."},
        {"image_id": 1, "id": 3, "caption": "Three."},
    ],
}


def placed(sample, path):
    """Return where a picture lies, seen from the folder of its annotation file."""
    return None if sample.picture is None else sample.picture.place.removeprefix(f"{path.parent}/")


def test_scienceqa_has_letters_hints_and_problems_without_pictures(write, read):
    path = write("problems.json", PROBLEMS)
    write("pid_splits.json", PARTS)
    five, four = read("scienceqa", path, part="test")
    assert (five.id, five.question, five.answers, five.choices) == ("5", "Which is loud?", ("B",), ("a", "b"))
    assert (four.question, four.answers) == ("Look.\nWhich is soft?", ("A",))
    assert (placed(five, path), four.picture) == ("test/5/image.png", None)
    assert [sample.id for sample in read("scienceqa", path)] == ["1", "4", "5"]


def test_faults_of_scienceqa_are_named(write, faults):
    broken = {**PROBLEMS, "4": {**PROBLEMS["4"], "answer": 3}}
    path = write("problems.json", broken)
    write("pid_splits.json", {"test": ["4", "9"]})
    _, (four, nine) = faults("scienceqa", path, part="test")
    assert four.startswith(
        f"{path}:21: id 4: answer: expected the number of one of the choices, 0 to 2 (got 3)"
    )
    assert nine == f"{path}: 9: pid_splits.json names this problem, but it is not there"


def test_a_problem_with_a_picture_says_its_part(write, faults):
    problem = {key: value for key, value in PROBLEMS["1"].items() if key != "split"}
    path = write("problems.json", {"1": problem})
    assert faults("scienceqa", path) == ([], [f"{path}:2: id 1: split: this key is required"])


def test_a_part_that_scienceqa_lacks_is_named(write, read):
    from cvit_bench.errors import CvitBenchError

    write("pid_splits.json", PARTS)
    with pytest.raises(CvitBenchError, match=r"holds no part 'tset' \(known: minitest, test, train, val\)"):
        read("scienceqa", write("problems.json", PROBLEMS), part="tset")


def test_textvqa_has_ten_answers(write, read):
    path = write("TextVQA_0.5.1_val.json", TEXTVQA)
    (sample,) = read("textvqa", path)
    assert (sample.id, sample.question, len(sample.answers)) == ("34602", "what brand?", 10)
    assert placed(sample, path) == "003a8ae2ef43b901.jpg"


def test_a_picture_of_textcaps_is_one_sample_with_all_its_captions(write, read):
    one, two = read("textvqa", write("TextCaps_0.1_val.json", TEXTCAPS))
    assert (one.id, one.answers) == ("a1", ("One.", "Two."))
    assert (two.id, two.answers) == ("b2", ("Three.",))


def test_gqa_leaves_out_what_is_not_balanced(write, read):
    path = write("testdev_balanced_questions.json", GQA)
    one, two = read("gqa", path)
    assert (one.id, one.question, one.answers) == ("201307251", "Is it overcast?", ("no",))
    assert placed(one, path) == "n161313.jpg"
    assert two.id == "3"


def test_vqav2_joins_questions_with_ten_answers_by_id(write, read):
    path = write("questions.json", VQA)
    one, two = read("vqa", path, annotations=write("annotations.json", VQA_ANSWERS))
    assert (one.id, one.answers) == ("262148000", ("here", "there"))
    assert two.id == "42001"
    assert read("vqa", path)[0].answers == ()


def test_pictures_of_coco_have_either_name(write, read):
    path = write("questions.json", VQA)
    write("COCO_val2014_000000262148.jpg", b"x")
    write("000000000042.jpg", b"x")
    assert [placed(sample, path) for sample in read("vqa", path)] == [
        "COCO_val2014_000000262148.jpg",
        "000000000042.jpg",
    ]


def test_faults_of_vqav2_are_named(write, faults):
    lacking = {**VQA_ANSWERS, "annotations": VQA_ANSWERS["annotations"][:1]}
    path, annotations = write("questions.json", VQA), write("annotations.json", lacking)
    samples, (fault,) = faults("vqa", path, annotations=annotations)
    assert [sample.id for sample in samples] == ["42001"]
    assert fault == f"{path}:6: id 262148000: {annotations} has no answers to it"


def test_vizwiz_is_named_by_its_pictures(write, read):
    path = write("val.json", VIZWIZ)
    one, two = read("vizwiz", path)
    assert (one.id, one.answers) == ("VizWiz_val_00000000.jpg", ("unanswerable", "tea"))
    assert (two.answers, placed(two, path)) == ((), "VizWiz_test_00000001.jpg")


def test_a_cover_of_ocrvqa_is_asked_several_questions(write, read):
    path = write("dataset.json", OCRVQA)
    one, two = read("ocrvqa", path, part="train")
    assert [(sample.id, sample.answers) for sample in (one, two)] == [
        ("0310599911_0", ("A. Uthor",)),
        ("0310599911_1", ("Yes",)),
    ]
    assert one.picture is two.picture
    assert placed(one, path) == "0310599911.jpg"
    write("1.gif", b"x")
    assert placed(read("ocrvqa", path, part="test")[0], path) == "1.gif"


def test_a_cover_with_an_answer_too_few_is_a_fault(write, faults):
    path = write("dataset.json", {"7": {**OCRVQA["1"], "questions": ["a", "b"]}})
    assert faults("ocrvqa", path)[1] == [f"{path}:2: id 7: 2 questions, but 1 answers"]


def test_a_cover_whose_address_is_none_is_a_fault(write, faults):
    path = write("dataset.json", {"7": {**OCRVQA["1"], "imageURL": "http://[x"}})
    assert faults("ocrvqa", path)[1] == [f"{path}:2: id 7: imageURL: Invalid IPv6 URL (got 'http://[x')"]


def test_captions_of_coco_are_gathered_by_picture(write, read):
    one, two = read("coco_captions", write("val_coco_type_3000.json", COCO))
    assert (one.id, one.answers, two.answers) == ("1", ("One.", "Three."), ("Two.",))


def test_a_file_without_the_key_that_holds_its_rows_is_named(write, faults):
    path = write("TextVQA_0.5.1_val.json", {"rows": []})
    assert faults("textvqa", path)[1] == [f"{path}: holds no key 'data'"]


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("textvqa", {"data": [{**TEXTVQA["data"][0], "answers": []}]}),
        ("gqa", {"1": {"question": "?", "imageId": "1", "answer": ""}}),
        ("vizwiz", [{**VIZWIZ[0], "answers": [{"answer": ""}]}]),
        ("vizwiz", [{**VIZWIZ[0], "answers": "tea"}]),
        ("ocrvqa", {"1": {**OCRVQA["1"], "answers": [""]}}),
    ],
)
def test_a_blank_answer_is_a_fault(write, faults, reader, content):
    samples, (fault,) = faults(reader, write("file.json", content))
    assert samples == []
    assert "answer" in fault


def encoded_picture() -> str:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_a_table_of_vlmevalkit_holds_its_pictures(write, read):
    picture = encoded_picture()
    text = (
        "index\timage\tquestion\thint\tA\tB\tanswer\tcategory\n"
        f'0\t{picture}\t"Which, ""this"" or\nthat?"\tLook.\tred\tblue\tA\tx\n'
        "1\t0\tWhich?\t\tup\tdown\tB\tx\n"
    )
    one, two = read("tsv", write("MMBench.tsv", text))
    assert (one.id, one.question) == ("0", 'Look.\nWhich, "this" or\nthat?')
    assert (one.choices, one.answers, two.answers) == (("red", "blue"), ("A",), ("B",))
    assert one.picture.read() == two.picture.read() == base64.b64decode(picture)


def test_a_table_of_vlmevalkit_may_have_several_answers_and_pictures_beside_it(write, read):
    text = "index\timage_path\tquestion\tanswer\n5\tx/5.jpg\tWhat?\t['a', \"b's\"]\n6\t\tWho?\t[no list\n"
    one, two = read("tsv", path := write("t.tsv", text))
    assert (one.answers, two.answers, two.picture) == (("a", "b's"), ("[no list",), None)
    assert placed(one, path) == "x/5.jpg"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index\tanswer\n1\tx\n", ":1: missing column question"),
        ("index\tquestion\tanswer\n1\tx\n", ":2: not as many fields as columns"),
        ("index\tquestion\tanswer\n1\tx\t\n", ":2: id 1: answer: expected a text"),
        ("index\timage\tquestion\n1\t9\tx\n", ":2: id 1: image: '9' is the index of no row with a picture"),
        ("index\timage\tquestion\n1\t" + "?" * 80 + "\tx\n", ":2: id 1: image: not base64"),
        ("index\timage\tquestion\n1\t" + "é" * 80 + "\tx\n", ":2: id 1: image: not base64"),
    ],
)
def test_faults_of_a_table_are_named(write, faults, text, said):
    path = write("t.tsv", text)
    assert faults("tsv", path)[1][0].startswith(f"{path}{said}")
