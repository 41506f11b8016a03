"""At which moments of which command a process is killed.

`at` matches the path that is being synced: a name that begins with a point and ends in `.part` is a file that
is written and not yet in its place, a folder one whose file has just been put in place. Where nothing is
synced, the moment is that of another event (`on`): a file is opened, a folder is removed.
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
TRAIN = (
    "train",
    "--method",
    "branchlora",
    "--suite",
    "{pair}",
    "--base",
    "{base}",
    "--run-dir",
    "{out}/trained",
    "--limit",
    "2",
    "--device",
    "cpu",
)
EVALUATE_TRAINED = (
    "evaluate",
    "--run-dir",
    "{out}/trained",
    "--cells",
    "final",
    "--limit",
    "1",
    "--device",
    "cpu",
)
FROM_SAVE, FINISHED = "01-mini_geo: goes on from step 2", "01-mini_geo: trained already"


@dataclass(frozen=True)
class Kill:
    """One kind.

    Attributes:
        phase: what the command is at.
        words: the command; names in braces stand for places.
        at: what matches the path that is synced at that moment.
        nth: which of them, from 0.
        first: a command that must be finished before.
        on: what is done to that path.
        goes_on: what the next call says of what is there already.
    """

    phase: str
    words: tuple[str, ...]
    at: str
    nth: int = 0
    first: tuple[str, ...] | None = None
    on: str = "fsync"
    goes_on: str = ""

    @property
    def verb(self) -> str:
        """The command's name."""
        return " ".join(self.words[: 2 if self.words[0] == "data" else 1])


KILLS = [
    Kill("the plan is written", EVALUATE, r"\.plan\.json"),
    Kill("a first batch is answered", EVALUATE, r"/v0\.jsonl$"),
    Kill("the last batch of a cell is answered", EVALUATE, r"/count/v0\.jsonl$", 1),
    Kill("answers are ranked", EVALUATE, r"/fruit/v0\.jsonl$", first=ANSWER),
    Kill("rankings replace the lines without", EVALUATE, r"\.v0\.jsonl", first=ANSWER),
    Kill("the last answers have been ranked", EVALUATE, r"/yesno/v0\.jsonl$", 1, ANSWER),
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
    Kill("the base is loaded", TRAIN, r"/base/tokenizer_config\.json$", 2, on="open"),
    Kill("a first step is taken", TRAIN, r"/steps\.jsonl$", on="open"),
    Kill("the state is saved", TRAIN, r"/\.01-.*/state\.safetensors$"),
    Kill("a step behind the last save is taken", TRAIN, r"/steps\.jsonl$", 2, on="open", goes_on=FROM_SAVE),
    Kill("the record of a stage is written", TRAIN, r"/\.training\.json", goes_on=FROM_SAVE),
    Kill("the adapter is synced", TRAIN, r"/\.01-.*adapter_model\.safetensors$", goes_on=FROM_SAVE),
    Kill("a stage has been put in place", TRAIN, r"/stages$", goes_on=FINISHED),
    Kill("the saves of a finished stage go", TRAIN, r"/\.01-mini_geo\.steps$", on="shutil.rmtree",
         goes_on=FINISHED),
    Kill("a second stage begins", TRAIN, r"/01-mini_geo/adapter_config\.json$", 1, on="open",
         goes_on=FINISHED),
    Kill("the manifest is written", TRAIN, r"/trained/\.manifest\.json", goes_on="02-mini_read: trained"),
]  # fmt: skip
