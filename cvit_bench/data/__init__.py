"""From a task to prompts: readers, samples, templates."""
