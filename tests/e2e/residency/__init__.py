"""Models that leave, and come back."""
