"""Values and arithmetic that every layer shares. No I/O."""
