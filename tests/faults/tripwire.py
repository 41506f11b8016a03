"""A process that runs `cvit-bench` in forks of itself and has a fork killed at the n-th of what it does.

Every durable write ends in `os.fsync`: of a new file before it is renamed, of its folder afterwards, of
answers that were appended. There the fork sends the signal to itself, or where Python's audit events (`open`,
`shutil.rmtree`) tell that a file is opened or a folder removed. A line of JSON on stdin is a call, one on
stdout what came of it: `status` as subprocess gives it, `done` what was done to which path, the last being
that at which it was killed. What a call has imported is imported here too, so that later ones find it.
"""

import contextlib
import importlib
import json
import os
import re
import signal
import sys
from pathlib import Path


def main() -> None:
    import cvit_bench.cli.main
    import cvit_bench.train.stage_run  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(call(**json.loads(line))), flush=True)


def call(
    words: list[str],
    folder: str,
    number: int = 0,
    at: str = "",
    nth: int = 0,
    on: str = "fsync",
    variables: dict[str, str] | None = None,
) -> dict[str, object]:
    """Call the command in a fork; `number` is sent to it at the n-th event `on` a path that `at` matches."""
    log = Path(folder, "done.txt")
    log.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        os.environ.update(variables or {})
        _in_fork(words, folder, log, (number, on, at, nth))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    _import_too(Path(folder, "modules"))
    said = {name: Path(folder, name).read_text(errors="replace") for name in ("out", "err")}
    done = log.read_text().splitlines() if log.exists() else []
    return {"status": status, "done": done, **said}


def _in_fork(words: list[str], folder: str, log: Path, trip: tuple[int, str, str, int]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
    os.chdir(folder)
    _watch(log, *trip)
    sys.argv = ["cvit-bench", *words]
    from cvit_bench.cli.main import run

    status: object = 0
    try:
        run()
    except SystemExit as end:
        status = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 70
    Path(folder, "modules").write_text("\n".join(sys.modules))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0)


def _import_too(names: Path) -> None:
    """Import what a fork has imported and noted."""
    for name in names.read_text().split() if names.exists() else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _watch(log: Path, number: int, on: str, at: str, nth: int) -> None:
    """Send the signal at the n-th event of a kind on a path; note all events of that kind."""
    really, left = os.fsync, nth
    handle = os.open(log, os.O_WRONLY | os.O_CREAT)

    def see(path: str) -> None:
        nonlocal left
        os.write(handle, f"{on} {path}\n".encode(errors="replace"))
        if number and re.search(at, path):
            left -= 1
            if left == -1:
                os.kill(os.getpid(), signal.Signals(number))

    def fsync(of: int) -> None:
        if on == "fsync":
            see(str(Path(f"/proc/self/fd/{of}").readlink()))
        really(of)

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event == on:
            see(str(arguments[0]))

    os.fsync = fsync
    sys.addaudithook(audit)


if __name__ == "__main__":
    main()
