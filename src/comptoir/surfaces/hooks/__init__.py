"""What others call us with."""
