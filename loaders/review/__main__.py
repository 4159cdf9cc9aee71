"""`python -m loaders.review`: what needs a person, and the decisions on it."""

import sys

from commands.review import main, publish_now

if __name__ == "__main__":
    sys.exit(main(publish=publish_now))
