"""Developer tools: engine installation, checks, mutants and benchmarks."""
