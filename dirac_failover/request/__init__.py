"""Requests of DIRAC's request system: operations for later, in order, and their statuses."""
