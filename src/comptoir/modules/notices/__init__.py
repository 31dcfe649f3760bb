"""What buyers are told of their orders: one notice for each event, in their language, kept until it has gone out."""
