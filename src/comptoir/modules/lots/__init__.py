"""Lots and expiry: which lot lies where, what of it is kept from buyers, and which order got which lot."""
