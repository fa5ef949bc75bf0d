"""The controls, one module per theme; every module here is found by itself."""
