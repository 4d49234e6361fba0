"""What holds an implementation against the real thing: kits, ports, the runner and its commands."""
