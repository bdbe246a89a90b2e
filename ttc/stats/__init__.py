"""Intervals, paired tests, two-fold choosing, figures of verifiers. Pure."""
