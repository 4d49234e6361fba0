"""Says what the complete outcome of a scenario is: the module, its clients and the services, step by step."""
