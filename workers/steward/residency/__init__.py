"""Which models stay loaded. Runs in the steward process; all but ``turn`` are pure functions."""
