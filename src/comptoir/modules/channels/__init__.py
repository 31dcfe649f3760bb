"""Channels, and the rules by which each may promise stock."""
