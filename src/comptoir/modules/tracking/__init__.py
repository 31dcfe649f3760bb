"""What becomes of parcels after they have left: labels, scans, failed deliveries, and how well carriers do."""
