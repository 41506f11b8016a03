"""What README and CONTRIBUTING tell people to type and to write, taken out of their text."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
VERBS = ("cvit-bench ", "torchrun ", "make ", "hf ", "python ", "export ")
SHELL = ("sh", "bash", "console")


def section(document: Path, title: str) -> str:
    """Return what stands below a heading, up to the next heading."""
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", document.read_text(), flags=re.M | re.S)
    assert found, f"{document.name} has no section {title!r}"
    return found[1]


def blocks(text: str, *languages: str) -> list[str]:
    """Return the fenced blocks of these languages."""
    return [
        body
        for name, body in re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.M | re.S)
        if name in languages
    ]


def commands(block: str) -> list[str]:
    """Return the commands of a block, without their remarks."""
    return [line.split(" #")[0].strip() for line in block.splitlines() if line.split(" #")[0].strip()]


def sections_with_commands(document: Path) -> list[str]:
    """Return the headings that have commands below them."""
    titles = re.findall(r"^##+ (.*)$", document.read_text(), flags=re.M)
    return [title for title in titles if blocks(section(document, title), *SHELL)]


def commands_below(document: Path, title: str) -> list[str]:
    """Return the commands below a heading, in their order."""
    return [line for block in blocks(section(document, title), *SHELL) for line in commands(block)]


def commands_in_text(document: Path) -> list[str]:
    """Return whole commands that stand within sentences."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text))
    return [span for span in spans if span.startswith(VERBS)]


def files_below(document: Path, title: str) -> dict[str, str]:
    """Return the files that a section tells people to write: blocks below a sentence that ends in a path."""
    written = re.findall(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```", section(document, title), flags=re.M | re.S)
    return dict(written)
