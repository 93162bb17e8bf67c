"""The card of a population: what it holds, how well it covers, and what is wrong with it."""
