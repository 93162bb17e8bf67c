"""Networks that methods train or consult besides the estimator, and ways to ask them."""
