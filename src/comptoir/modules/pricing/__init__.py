"""Markets and one price per SKU and market."""
