"""The catalogue: what can be watched."""
