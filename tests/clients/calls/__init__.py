"""What the programs of others do to a server. Each file is run by the interpreter that its program wants."""
