"""Where stock is, and the pools that channels sell from."""
