"""The schema's versions (Alembic), and how to bring a database to the newest."""
