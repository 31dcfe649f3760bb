"""All SQL of changes, returns and policies."""
