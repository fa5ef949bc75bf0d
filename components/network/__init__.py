"""The private network of each cloud, and the address plan that keeps them disjoint."""
