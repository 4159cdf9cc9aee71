"""`python -m loaders.review`: the command lives in commands.review."""
