"""Cartons, and which of them a set of units fits in."""
