"""Searching: Optuna proposes, Ray Tune runs what it proposed."""
