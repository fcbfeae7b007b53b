"""From messages to prompts, and from a model's text to answers, calls and thoughts. Shared by engines."""
