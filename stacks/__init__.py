"""What is deployed where: settings, estate and program of every environment."""
