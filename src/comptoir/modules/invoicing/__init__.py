"""Invoices and credit notes: numbers without gaps, and what stands on each for ever."""
