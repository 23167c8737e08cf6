"""Events: how what happened gets onto the bus, and how it is taken off it."""
