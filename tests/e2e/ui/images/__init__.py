"""The pages of pictures and videos in Chromium."""
