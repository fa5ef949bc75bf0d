"""The policy pack `iso27001`."""

from policies.crossguard import Pack, run

run(Pack("iso27001", "ISO/IEC 27001", framework="iso27001"), __file__)
