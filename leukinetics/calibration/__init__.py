"""Fits the parameters of kind ``calibrated`` to published readouts of role ``calibrate``.

One direction: parameters and readouts (``parameters``, ``readouts``) make a ``Problem``; ``fit`` finds its
best point; ``laplace`` or ``ensemble`` draws from its posterior; ``results`` writes what was found.
"""
