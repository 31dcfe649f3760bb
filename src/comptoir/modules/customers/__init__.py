"""Customers and the keys that they are known by."""
