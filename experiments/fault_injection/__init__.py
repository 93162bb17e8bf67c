"""What `experiments/faults.py` does to a running command, and how it sees what came of it."""
