"""Further pipelines that draw, and what is loaded in parts."""
