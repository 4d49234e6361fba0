"""The in-memory DIRAC: four services with real state and rules, faults, a journal and a clock."""
