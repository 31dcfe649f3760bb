"""The rules of routing, as functions of values."""
