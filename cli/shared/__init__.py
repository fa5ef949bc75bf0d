"""Options, output and targets that several groups of commands share."""
