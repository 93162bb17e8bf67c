"""Measures of error and accuracy: pure functions of NumPy arrays that return sums and counts."""
