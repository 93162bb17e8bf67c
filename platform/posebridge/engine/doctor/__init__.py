"""What a machine or a cluster lacks: each check is a pure function of facts, with a cure.

Torch and Ray are imported only where they are looked at: a doctor who needs them cannot say that
they are broken. What gathers the facts is in `engine/examination.py` and what it calls.
"""
