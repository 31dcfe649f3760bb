"""Routing: which location serves which order, why, and what would have happened under other rules."""
