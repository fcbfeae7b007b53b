"""Models that see, with the processors that their makers ship."""
