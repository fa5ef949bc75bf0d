"""Bringing a shard's database up to date: migrations, the app's role, the first slots and the first slot map."""
