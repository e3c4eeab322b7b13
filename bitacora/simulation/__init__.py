"""Seeded histories of the whole pipeline: the service's own code over stores as strict as AWS."""
