"""Generated from the contracts beside it; do not edit."""
