"""Asks an implementation the clauses of the contract, in the scenarios of the space, and judges what is observed."""
