"""C source from a prepared model: straight-line code over vectors of patients."""
