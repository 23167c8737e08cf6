"""The upload client, and the worker that turns an upload into a published asset."""
