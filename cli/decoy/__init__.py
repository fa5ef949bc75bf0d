"""`fortress decoy`: decoys for intruders."""
