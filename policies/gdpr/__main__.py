"""The policy pack `gdpr`."""

from policies.crossguard import Pack, run

run(Pack("gdpr", "GDPR", framework="gdpr"), __file__)
