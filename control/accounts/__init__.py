"""Accounts: who somebody is, and the keys that vouch for it."""
