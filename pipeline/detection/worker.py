"""The process of one detection: python -m pipeline.detection.worker reads a task on standard input, and answers there.

Its memory, files and time are bounded by the operating system.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import msgspec

from pipeline.detection.apart import DetectionTask
from pipeline.detection.detecting import detect, detect_file
from schemas import environment

_NICENESS = 5  # the pages and the night come first


def main() -> int:
    """Detect what the task names, and write it; a process that may take no more ends without an answer."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=DetectionTask)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (task.file_bytes, task.file_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (task.memory_bytes, task.memory_bytes))
    signal.alarm(int(task.seconds) + 1)  # also when whoever began it is gone
    detection = detect_file(Path(task.path), task.address) if task.path else detect(task.address, environment())
    sys.stdout.buffer.write(msgspec.json.encode(detection))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
