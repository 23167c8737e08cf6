"""Matinee: a film goes in, a signed, adaptive, measured stream comes out."""

__version__ = "0.1.0"
