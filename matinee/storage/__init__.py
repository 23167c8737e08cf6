"""The object store, in a folder or in a bucket. The only package that imports obstore."""
