"""Buckets of S3 servers: where one is and who may, setting it up, uploads straight into it, and what it tells of.

The bytes of objects are the matter of `matinee.storage`.
"""
