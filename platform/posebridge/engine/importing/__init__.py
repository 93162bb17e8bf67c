"""Importing data sets with Ray: what is asked becomes an index, shards, and a population."""
