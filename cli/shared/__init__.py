"""What several groups of commands use: options, output, and the shards they work on."""
