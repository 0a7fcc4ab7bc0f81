"""From run files to numbers with honest errors, figures and reports."""
