"""All the SQL of tracking."""
