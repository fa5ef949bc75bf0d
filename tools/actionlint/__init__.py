"""actionlint, built from its pinned Go module, checks the GitHub workflows."""
