"""The Complete Journey, replayed: a real year of a 457-store chain through several channels and one stock."""
