"""One night over the feeds that are named, all of it in this one process: what the cluster's catalog must equal."""

import sys

from tests.faults.nights import whole_night

if __name__ == "__main__":
    whole_night(sys.argv[1:], lambda step: None, full=True)
