"""The gateway, the command line, and the supervisor that runs the parts on one machine."""
