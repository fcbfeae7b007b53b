"""Videos as OpenAI's and Xinference's clients ask for them: both are views of jobs. Runs in the gateway process.

Doors: ``openai_videos.router`` and ``xinference_videos.router``.
"""
