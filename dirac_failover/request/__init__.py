"""Requests as DIRAC's request system has them: what is to be done later, in which order, and what has become of it."""
