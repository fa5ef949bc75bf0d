"""`fortress shards`: slots, and moving them between shards."""
