"""Pure functions from predictions to one number to be made small; one family a file."""
