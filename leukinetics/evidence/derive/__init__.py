"""Pseudo-observations: figures computed from published parameters where the curves themselves were not seen.

Each module names its sources, prints the rows it stands for, and is rerun by a test.
"""
