"""Fulfilment: the work that an order means at each location, from its release to the door or the counter."""
