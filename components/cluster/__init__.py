"""A Kubernetes cluster on each cloud, with managed nodes and login by token only."""
