"""Structures, bonds and molecules, fingerprints of molecules."""
