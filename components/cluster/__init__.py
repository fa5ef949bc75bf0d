"""A Kubernetes cluster on each cloud, with nodes that the cloud keeps, and no way in but by token."""
