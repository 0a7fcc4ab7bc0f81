"""Generative models as Monte Carlo moves: proposals with known densities."""
