"""Running simulations: the integrator, its reporter, hybrid runs and training data."""
