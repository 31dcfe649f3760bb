"""All the SQL of routing."""
