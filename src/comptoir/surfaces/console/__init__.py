"""Pages for staff: Jinja, htmx and Tabler, in the reader's language."""
