"""Carriers: who takes parcels where, for how much and in how many days, by table rates."""
