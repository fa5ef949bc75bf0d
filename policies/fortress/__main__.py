"""The policy pack `fortress`."""

from policies.crossguard import Pack, run

run(Pack("fortress", "Everything that Living Fortress holds itself to", exemptions="../exemptions.yaml"), __file__)
