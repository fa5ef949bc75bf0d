"""What a cloud must have before anything else can be made in it."""
