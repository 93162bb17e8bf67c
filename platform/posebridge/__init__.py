"""PoseBridge adapts human-pose estimators from one population to another.

Nothing is imported here: the parts that need torch or ray are loaded by those who use them.
"""

__version__ = "0.1.0"
