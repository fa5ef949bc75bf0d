"""One cloud as an environment uses it, a module a cloud."""
