"""Buckets of S3 servers: where one is and by what right it is used, and setting it up.

The bytes of objects are the matter of `matinee.storage`.
"""
