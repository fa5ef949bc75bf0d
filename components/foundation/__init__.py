"""What a cloud needs before anything else."""
