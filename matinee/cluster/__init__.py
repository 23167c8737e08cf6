"""A Dask cluster: spans are encoded by its workers. The only package that knows Dask.

It is imported where a cluster is configured, and not before: Dask takes half a second to import.
"""
