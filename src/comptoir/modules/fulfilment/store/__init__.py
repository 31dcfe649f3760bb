"""All SQL of fulfilment, by what it is for: the work itself, waves and bins, and reading."""
