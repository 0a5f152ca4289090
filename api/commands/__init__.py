"""The commands, one module per group; heavy imports wait until a command runs."""
