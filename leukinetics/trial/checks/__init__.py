"""What is wrong with a protocol: its form, its consistency, and what the model has not."""
