"""The web interface in a real browser, against a live Headrace."""
