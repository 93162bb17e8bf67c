"""The networks that are adapted: an `Architecture` names one, `build()` makes it."""
