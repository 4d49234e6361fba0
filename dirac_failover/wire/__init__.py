"""What crosses the process boundary: DIRAC's two encodings, the RPC seam, and both ends of HTTPS."""
