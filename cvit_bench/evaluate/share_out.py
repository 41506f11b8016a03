"""Parts of a replay shared out to workers: a thread of the parent for each, and no writer but the parent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.remote_model import AbandonedError, Post, RemoteModel
from cvit_bench.models.family import Model
from cvit_bench.progress import plain

Part = TypeVar("Part")


def share_out(
    parts: Sequence[Part],
    replay: Callable[[Part, Model], list[str]],
    posts: Sequence[Post],
    stop: Callable[[], None],
) -> list[str]:
    """Replay parts of the work, which write files of their own each; return the complaints of all.

    Whoever is free takes the next part. What goes wrong for good in one thread ends all; `stop` is called in
    the end, however it came.
    """
    plain()
    waiting = deque(parts)

    def work(post: Post) -> list[str]:
        failures: list[str] = []
        model = RemoteModel(post)
        while waiting:
            try:
                part = waiting.popleft()
            except IndexError:
                break
            failures += replay(part, model)
        post.leave()
        return failures

    with ThreadPoolExecutor(len(posts)) as pool:
        running = [pool.submit(work, post) for post in posts]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            return [failure for one in done for failure in one.result()]
        except AbandonedError as error:
            raise CvitBenchError(str(error)) from error
        finally:
            waiting.clear()
            stop()
