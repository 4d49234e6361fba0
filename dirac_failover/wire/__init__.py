"""The boundary of the process: DIRAC's two encodings, the RPC seam, and both ends of HTTPS."""
