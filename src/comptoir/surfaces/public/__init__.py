"""Pages for buyers, by a signed address and without an account: where their parcels are, and what is to happen to one."""
