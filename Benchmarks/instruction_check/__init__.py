"""Counts the instructions of each microbenchmark, and holds them against the committed thresholds."""
