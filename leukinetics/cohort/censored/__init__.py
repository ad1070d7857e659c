"""Statistics of measurements of which some are only known to lie below a limit."""
