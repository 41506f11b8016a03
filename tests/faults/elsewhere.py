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
    Elsewhere("a disk that is full when scores, a report or a leaderboard are written",
              "exit 2, nothing half-written, goes on",
              "faults/test_full_disk.py::test_a_full_disk_leaves_nothing_half_written"),
    Elsewhere("a disk that fills up in training", "exit 2, goes on from the last save",
              "train/test_restart.py::test_a_full_disk_loses_the_steps_since_the_last_save_and_says_so"),
    Elsewhere("SIGKILL in the middle of answering, twice", "the bytes of a calm run",
              "faults/test_kill_evaluate.py::test_two_kills_give_the_bytes_of_an_undisturbed_run"),
    Elsewhere("a line of predictions cut at any byte", "that answer is generated again",
              "faults/test_kill_evaluate.py::test_a_line_cut_at_any_byte_costs_only_that_answer"),
    Elsewhere("SIGKILL inside three stages of training", "the bytes of a calm run",
              "train/test_restart.py::test_a_run_killed_inside_three_stages_ends_with_the_same_bytes"),
    Elsewhere("the clock set back between stages, and between training and evaluation",
              "the bytes of a calm run",
              "faults/test_kills.py::test_a_clock_set_back_between_stages_and_before_the_evaluation",
              "only with a C compiler"),
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
    Elsewhere("training in a run directory where another is at work", "exit 2, which changes nothing",
              "faults/test_lock.py::test_training_waits_for_no_one_and_changes_nothing"),
    Elsewhere("the lock of a killed process", "taken over",
              "faults/test_lock.py::test_the_lock_of_a_killed_runner_is_taken_over"),
    Elsewhere("the parent of a pool of processes killed", "they end with it",
              "faults/test_side_by_side.py::test_workers_end_with_their_parent"),
    Elsewhere("a sample that fails", "exit 2, costs only itself, tried again",
              "cli/test_run.py::test_a_prompt_that_fails_costs_only_itself"),
    Elsewhere("Ctrl-C", "exit 130, goes on",
              "cli/test_run.py::test_an_interrupted_evaluation_exits_130_and_the_same_command_completes_it"),
    Elsewhere("a file larger than the memory allowed", "exit 2, one message",
              "faults/test_surroundings.py::test_a_file_that_the_memory_cannot_hold_gets_one_message"),
    Elsewhere("a read-only folder", "exit 2, one message, goes on elsewhere",
              "faults/test_full_disk.py::test_a_read_only_folder_is_named"),
    Elsewhere("a loss that is no number", "exit 2, the stage is not saved",
              "train/test_loop.py::test_a_loss_that_is_no_number_stops_the_stage"),
    Elsewhere("malice: pickled weights of an adapter", "refused",
              "models/test_folders.py::test_pickled_adapter_weights_are_refused"),
    Elsewhere("malice: pickled weights of a base", "not read",
              "models/test_loading.py::test_pickled_weights_are_not_read"),
    Elsewhere("malice: a pickle that holds more than tensors", "not read even where pickles are allowed",
              "interop/test_new_run.py::test_a_pickle_that_holds_more_than_tensors_is_not_read"),
    Elsewhere("malice: code beside the weights (auto_map)", "runs only where that is asked for",
              "models/test_loading.py::test_code_beside_the_weights_runs_only_where_that_is_asked_for"),
    Elsewhere("malice: adapter configs of unknown kinds and absurd ranks", "refused, nothing built",
              "models/test_adapter_files.py::test_a_configuration_that_does_not_fit_is_an_error"),
    Elsewhere("malice: adapter configs that name a module", "not imported",
              "models/test_adapter_files.py::"
              "test_a_routed_configuration_builds_nothing_absurd_and_imports_nothing"),
    Elsewhere("malice: configurations of adapters and bases that are nested deeply or hold other types",
              "refused", "faults/test_properties.py::test_odd_configurations_are_refused"),
    Elsewhere("malice: scripts, styles and URLs in entries, in a browser", "stay text",
              "report/test_browser.py::test_hostile_entries_stay_text", "only with a browser"),
    Elsewhere("malice: formulas in CSV files", "neutralised",
              "interop/test_exports.py::test_no_cell_is_a_formula"),
    Elsewhere("malice: formulas in a leaderboard's CSV file", "neutralised",
              "report/test_leaderboard.py::test_formulas_in_names_do_not_run_in_a_spreadsheet"),
    Elsewhere("malice: terminal sequences in answers that are compared", "replaced",
              "cli/test_compare.py::test_tables"),
    Elsewhere("malice: a data file that is a link out of the data", "refused",
              "data/test_samples.py::test_a_link_that_leads_outside_the_root_is_refused"),
]  # fmt: skip
