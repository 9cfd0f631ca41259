"""partsplan."""
