"""python -m samples [--port N] [FOLDER]: replay a folder's stored responses until interrupted."""

import argparse
from pathlib import Path

from samples.server import ReplayServer

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Serve a folder until interrupted; print the address and every mount first."""
    parser = argparse.ArgumentParser(prog="python -m samples", description="Replay a folder of stored responses.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="the samples of this project if not given")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    if not options.folder.exists():
        parser.error(f"no folder {options.folder}")
    server = ReplayServer(options.folder, options.port)
    print(server.url, flush=True)
    for mount in sorted(server.sites):
        print(f"  /{mount}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped")


if __name__ == "__main__":
    main()
