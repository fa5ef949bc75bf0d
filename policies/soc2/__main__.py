"""The policy pack `soc2`."""

from policies.crossguard import Pack, run

run(Pack("soc2", "SOC 2", framework="soc2"), __file__)
