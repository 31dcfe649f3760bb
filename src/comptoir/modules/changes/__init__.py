"""What changes in orders after they were placed: edits, cancellations, returns, exchanges, claims, and their rules."""
