"""What a person sees of a run: one line a job, a bar with the time left, errors with the end of their log, the plan."""
