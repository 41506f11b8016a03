"""Wording of the base model's pre-training: questions by topic and requests by answer form, all our own.

The same question goes with every form, so the request alone decides what the answer looks like.
None of these requests is a variant of a bundled template.
"""

from __future__ import annotations

QUESTIONS: dict[str, list[str]] = {
    "object": [
        "What is in the picture?",
        "What does the image show?",
        "What can you see here?",
        "What is this?",
        "Which object is shown?",
        "What kind of thing is in the photo?",
        "Tell what the photo shows.",
        "Which item can be seen in the image?",
    ],
    "shape": [
        "What shape is it?",
        "What shape is in the picture?",
        "Which shape does the image contain?",
        "What shape can be seen?",
        "What is the {colour} shape?",
    ],
    "colour": [
        "What color is the {name}?",
        "What is the color of the {name}?",
        "Which color does the shape have?",
        "What color is the shape in the image?",
    ],
    "background": [
        "What color is the background?",
        "What is the color of the background?",
        "Which color is behind the {name}?",
        "What color can be seen around the {name}?",
    ],
    "kind": [
        "What kind is it?",
        "What kind of thing is the {name}?",
        "Which group does the {name} belong to?",
    ],
    "presence": [
        "Is there a {other} in the picture?",
        "Is this a {other}?",
        "Does the image show a {other}?",
        "Does the picture contain a {other}?",
        "Is a {other} present?",
        "Can a {other} be seen?",
    ],
    "beside": [
        "What is {side} the {other}?",
        "Which thing is {side} the {other}?",
        "What stands {side} the {other} in the picture?",
    ],
    "order": ["Is the {name} {side} the {other}?", "Does the {name} stand {side} the {other}?"],
    "text": [
        "What does it say?",
        "Which word is written here?",
        "Read the word.",
        "What is the word in the picture?",
        "What does the sign say?",
    ],
    "country": ["Which country is this?", "What country has this outline?", "Which country is on the map?"],
    "place": ["Which place is this?", "Where are these things found?", "What kind of place is shown?"],
    "box": ["Where is the {name}?", "Where can the {name} be seen?", "Give the place of the {name}."],
    "count": [
        "How many things are there?",
        "How many objects does the picture show?",
        "What is the number of shapes?",
        "How many {name} pictures can be seen?",
        "Count the things in the image.",
    ],
    "copies": ["How many times is the {name} shown?", "How many of the {name} are there?"],
    "wear": ["Where is it worn?", "On which part of the body is this item?", "Where does one wear it?"],
    "value": [
        "Which digit is this?",
        "What number is in the picture?",
        "Which number can be seen?",
        "What digit does the image show?",
        "Tell which number was written.",
    ],
    "parity": ["Is the number even or odd?", "Even or odd, what is the digit?"],
}

REQUESTS: dict[str, list[str]] = {
    "option_letter": [
        "Answer with the letter of the option.",
        "Give the letter only.",
        "Reply with the letter of the right choice.",
        "Choose an option and write its letter.",
        "Pick the correct letter, nothing else.",
        "A single letter is the answer.",
    ],
    "short_answer": [
        "Answer with one word.",
        "One word only.",
        "Reply briefly, with a word.",
        "Use a single word, no sentence.",
        "Give a short answer.",
        "Short answer:",
        "Be brief: just the word.",
    ],
    "sentence": [
        "Answer in a full sentence.",
        "Say it in one sentence.",
        "Write a caption for the image.",
        "Use a complete sentence.",
        "Give a whole sentence that ends with a period, not a word.",
        "Describe the picture in a sentence.",
    ],
    "class_name": [
        "Name the class.",
        "Give the name of the class only.",
        "Write only the class name.",
        "Classify the object: the category name, nothing else.",
        "Answer with the label of the object.",
        "State the name of the thing only.",
    ],
    "yes_no": [
        "Answer yes or no.",
        "Yes or no?",
        "Say yes or no only.",
        "Reply with yes or with no.",
        "Just yes or no, please.",
    ],
    "box": [
        "Answer with a box [left, top, right, bottom] in shares of the picture.",
        "Give its box as four decimals in brackets.",
        "Write the box only.",
        "Reply with the corners as [x1, y1, x2, y2].",
    ],
    "number": [
        "Answer with a number.",
        "Write the number in digits.",
        "Give a numeral only.",
        "Use numerals, not words.",
        "Only the number as a numeral, please.",
    ],
}

COUNTS = ["one", "two", "three", "four", "five"]
NUMBER_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORN = {
    "t-shirt": "body", "trousers": "legs", "pullover": "body", "dress": "body", "coat": "body",
    "sandal": "feet", "shirt": "body", "sneaker": "feet", "bag": "hand", "boot": "feet",
}  # fmt: skip
