"""At which writes of which command a process is killed.

`at` matches the path that is being synced: a name that begins with a point and ends in `.part` is a file that
is written and not yet in its place, a folder one whose file has just been put in place.
"""

from dataclasses import dataclass

EVALUATE = (
    "evaluate",
    "--run-dir",
    "{run}",
    "--data-root",
    "{data}",
    "--cells",
    "final",
    "--batch-size",
    "2",
)
ANSWER = (*EVALUATE, "--no-ranking")
SCORE = ("score", "--run-dir", "{run}", "--data-root", "{data}")
REPORT = ("report", "--run-dir", "{run}", "--data-root", "{data}")
LEADERBOARD = ("leaderboard", "--add", "{run}", "--out", "{out}")
PREPARE = ("data", "prepare", "{suite}", "--data-root", "{data}")
FROM_COIN = ("import", "coin", "{trees}", "--suite", "{suite}", "--run-dir", "{out}/theirs")
IMPORT = (*FROM_COIN, "--data-root", "{data}")


@dataclass(frozen=True)
class Kill:
    """One kind.

    Attributes:
        phase: what the command is at.
        words: the command; names in braces stand for places.
        at: what matches the path that is synced at that moment.
        nth: which of them, from 0.
        first: a command that must be finished before.
        litter: whether the file that was begun stays there after SIGKILL until its place is written anew.
    """

    phase: str
    words: tuple[str, ...]
    at: str
    nth: int = 0
    first: tuple[str, ...] | None = None
    litter: bool = False

    @property
    def verb(self) -> str:
        """The command's name."""
        return " ".join(self.words[: 2 if self.words[0] == "data" else 1])


KILLS = [
    Kill("the plan is written", EVALUATE, r"\.plan\.json"),
    Kill("a first batch is answered", EVALUATE, r"/v0\.jsonl$"),
    Kill("the last batch of a cell is answered", EVALUATE, r"/count/v0\.jsonl$", 1),
    Kill("answers are ranked", EVALUATE, r"/fruit/v0\.jsonl$", first=ANSWER),
    Kill("rankings replace the lines without", EVALUATE, r"\.v0\.jsonl", first=ANSWER, litter=True),
    Kill("a blank picture is ranked", EVALUATE, r"\.blank\.json"),
    Kill("a file of scores is written", EVALUATE, r"scores/.*\.pick\.parquet"),
    Kill("a file of scores has been put in place", EVALUATE, r"scores/[^.]*$", 1),
    Kill("the results are written", EVALUATE, r"\.results\.json"),
    Kill("a file of scores is written", SCORE, r"scores/.*\.pick\.parquet", 0, EVALUATE),
    Kill("what intervals draw from is written", SCORE, r"items/\.fruit", 0, EVALUATE),
    Kill("the results are written", SCORE, r"\.results\.json", 0, EVALUATE),
    Kill("the results have been put in place", SCORE, r"/scripted$", 0, EVALUATE),
    Kill("a page of samples is written", REPORT, r"report/\.", 1, EVALUATE),
    Kill("the page of the run is written", REPORT, r"\.report\.html", 0, EVALUATE),
    Kill("an entry is written", LEADERBOARD, r"entries/\.", 0, EVALUATE),
    Kill("a page is written", LEADERBOARD, r"toy/\.index\.html", 0, EVALUATE),
    Kill("the page's data are written", LEADERBOARD, r"toy/\.data\.json", 0, EVALUATE),
    Kill("the index is written", LEADERBOARD, r"out/\.index\.html", 0, EVALUATE),
    Kill("a split is converted", PREPARE, r"\.pick-train"),
    Kill("a split has been put in place", PREPARE, r"/\.cvit-bench$", 2),
    Kill("answers are written", IMPORT, r"\.imported\.jsonl|imported\.jsonl", 3),
    Kill("the manifest is written", IMPORT, r"\.manifest\.json"),
]
