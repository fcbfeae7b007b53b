"""The page of conversations in Chromium."""
