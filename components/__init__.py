"""How each thing is built: Pulumi ComponentResources without knowledge of environments."""
