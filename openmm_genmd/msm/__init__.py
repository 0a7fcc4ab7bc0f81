"""States of a molecule from its frames."""
