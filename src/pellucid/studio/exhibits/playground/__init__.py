"""A small network learns points in the plane while you watch every unit of it."""
