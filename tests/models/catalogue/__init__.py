"""The catalogue: its data, and what a launch by name makes of them."""
