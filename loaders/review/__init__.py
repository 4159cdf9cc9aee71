"""`python -m loaders.review` is `elib review`."""
