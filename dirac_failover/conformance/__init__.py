"""Checks an implementation against the clauses of the contract, in the scenarios of the space."""
