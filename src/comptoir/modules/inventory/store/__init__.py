"""All SQL of stock, one file for each thing that it is about."""
