"""`python -m transforms` is `elib transform`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["transform", *sys.argv[1:]]))
