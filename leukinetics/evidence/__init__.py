"""Evidence as data: the claims that the model must carry out and the published results that it is held against."""
