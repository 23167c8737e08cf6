"""The one public door: the API gateway, uploads, and media delivery."""
