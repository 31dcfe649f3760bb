"""Substitutes at the shelf: what may stand in for what, what buyers have agreed to, and what was taken instead."""
