"""Faults that are provoked where the thing that fails is tested: what, and by which test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Elsewhere:
    """One kind, what comes of it, and the test that provokes it."""

    kind: str
    outcome: str
    test: str
    note: str = ""


ELSEWHERE = [
    Elsewhere("a disk that fills up while answers are written", "exit 2, what is written stays, goes on",
              "faults/test_full_disk.py::test_a_full_disk_stops_cleanly_and_the_same_command_goes_on"),
    Elsewhere("a disk that fills up in training", "exit 2, goes on from the last save",
              "train/test_restart.py::test_a_full_disk_loses_the_steps_since_the_last_save_and_says_so"),
    Elsewhere("SIGKILL in the middle of answering, twice", "the bytes of a calm run",
              "faults/test_kill_evaluate.py::test_two_kills_give_the_bytes_of_an_undisturbed_run"),
    Elsewhere("a line of predictions cut at any byte", "that answer is generated again",
              "faults/test_kill_evaluate.py::test_a_line_cut_at_any_byte_costs_only_that_answer"),
    Elsewhere("SIGKILL inside three stages of training", "the bytes of a calm run",
              "train/test_restart.py::test_a_run_killed_inside_three_stages_ends_with_the_same_bytes"),
    Elsewhere("a damaged save of training", "passed over, goes on from the one before",
              "train/test_restart.py::test_a_damaged_save_is_passed_over"),
    Elsewhere("one flipped byte in the adapter of a finished stage", "exit 2, named",
              "train/test_restart.py::test_a_damaged_finished_stage_is_named"),
    Elsewhere("one of several training processes killed", "all end, goes on",
              "train/test_processes.py::"
        "test_two_killed_processes_end_with_the_bytes_of_two_undisturbed_ones"),
    Elsewhere("one of several replay processes killed", "exit 2, what is answered stays, goes on",
              "evaluate/test_processes.py::"
              "test_a_process_that_is_killed_ends_the_replay_and_the_next_call_goes_on"),
    Elsewhere("a Ray worker killed with its node", "its questions go to another worker",
              "evaluate/test_ray.py::test_what_a_node_that_dies_was_asked_is_asked_again", "only with Ray"),
    Elsewhere("two processes on one run directory", "exit 2 for the second, which changes nothing",
              "faults/test_lock.py::test_the_second_runner_says_who_is_there_and_changes_nothing"),
    Elsewhere("the lock of a killed process", "taken over",
              "faults/test_lock.py::test_the_lock_of_a_killed_runner_is_taken_over"),
    Elsewhere("the parent of a pool of processes killed", "they end with it",
              "faults/test_side_by_side.py::test_workers_end_with_their_parent"),
    Elsewhere("a sample that fails", "exit 2, costs only itself, tried again",
              "cli/test_run.py::test_a_prompt_that_fails_costs_only_itself"),
    Elsewhere("Ctrl-C", "exit 130, goes on",
              "cli/test_run.py::test_an_interrupted_evaluation_exits_130_and_the_same_command_completes_it"),
]  # fmt: skip
