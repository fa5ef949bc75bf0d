"""Measure whether the tests would notice a change: `make mutants`.

A mutant is a module with one small change, such as `<` for `<=`. The tests that execute the changed line run against
it, the most specific first; a test that fails kills it. Kept tools were weighed: mutmut copies the tree and has no
seeded sample, cosmic-ray writes each mutant into the tree and starts a Python for it. Here a mutant exists in the
memory of one forked process only.
"""
