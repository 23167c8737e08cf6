"""Uploads and the jobs that make titles of them."""
