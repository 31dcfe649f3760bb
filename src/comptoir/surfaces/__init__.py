"""All that the outside touches, and the only layer that opens transactions."""
