"""What a connector is made of; third parties import it."""
