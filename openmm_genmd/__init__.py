"""Generative models as Monte Carlo moves inside a running OpenMM simulation."""
