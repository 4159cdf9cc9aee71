"""`python -m loaders` is `elib load`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["load", *sys.argv[1:]]))
