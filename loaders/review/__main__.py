"""`python -m loaders.review` is `elib review`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["review", *sys.argv[1:]]))
