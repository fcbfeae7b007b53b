"""The README's table of families, and the test that it is true."""
