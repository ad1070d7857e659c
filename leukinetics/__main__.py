"""``python -m leukinetics``."""

from leukinetics.cli import main

main()
