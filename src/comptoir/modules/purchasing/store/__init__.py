"""All the SQL of purchasing."""
