"""The data plane against its peers: one module for each group of rows."""
