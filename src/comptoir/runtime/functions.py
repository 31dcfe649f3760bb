"""SQL functions that indexes and searches rely on; the first migration creates them."""

PLAIN = """
CREATE FUNCTION runtime.plain(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(public.unaccent('public.unaccent'::regdictionary, value))
"""
"""Text without case and accents, for searching and sorting names. `unaccent` is only stable because its dictionary could be
altered; ours is not."""
