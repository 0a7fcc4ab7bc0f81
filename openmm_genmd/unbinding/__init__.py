"""From a bound complex to paths on which the ligand leaves."""
