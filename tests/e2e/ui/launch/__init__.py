"""The page that launches a model. A real server, in Chromium."""
