"""What a marker with a limit of detection is worth: for telling who has a disease, and for what comes later.

``roc``, ``cutoffs``: one marker against yes or no. ``calibration``, ``decision``: predicted risks of yes or no, and in
``horizon`` of an event by some time. ``prognosis``: one marker against any outcome, by regression; ``concordance``:
Harrell's C. ``several``: markers together.
"""
