"""The workflow modules of an extension of DIRAC."""
