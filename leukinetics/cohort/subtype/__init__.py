"""Who is inflammatory, how sure that is, and what a therapy would do for whom."""
