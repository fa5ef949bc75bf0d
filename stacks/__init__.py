"""What is deployed where."""
