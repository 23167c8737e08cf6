"""Playback sessions: who watches what, and what edges may serve to them."""
