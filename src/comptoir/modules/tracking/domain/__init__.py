"""The rules of tracking, as functions of values."""
