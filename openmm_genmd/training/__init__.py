"""Fitting densities to frames."""
