"""Every family of models that people run: launched by its folder alone, and compared with its own library."""
