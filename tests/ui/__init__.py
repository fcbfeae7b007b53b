"""The source of the web interface, and what is built of it. No browser."""
