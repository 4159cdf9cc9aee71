"""`python -m harvesters` is `elib harvest`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["harvest", *sys.argv[1:]]))
