"""Generative models with known densities, and their checkpoints."""
