"""Runs one scenario on an implementation, in this process or another, and observes it."""
