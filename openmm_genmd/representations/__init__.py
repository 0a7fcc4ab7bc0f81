"""Conformations as soft coordinates to generate and others to carry."""
