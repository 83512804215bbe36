"""Copies one file and flushes the copy to disk; run as a program of its own: `python file_copy.py SOURCE COPY`.

Not a function of the process that owns the database: POSIX drops all locks that a process has on a file as soon as the
process closes any descriptor of it. Needs nothing but the standard library.
"""

import os
import shutil
import sys
from pathlib import Path

READ_ONLY = 0o444


def copy_file(source: Path, copy: Path) -> None:
    """Copy a file to a path that does not exist yet, with its time of change, flushed to disk and read-only."""
    before = source.stat()
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_ONLY | 0o200)
    with os.fdopen(descriptor, "wb") as written, source.open("rb") as read:
        shutil.copyfileobj(read, written, 1 << 22)
        written.flush()
        size = os.fstat(descriptor).st_size
        after = source.stat()
        if (size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            sys.exit("the database was written while it was copied")
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & READ_ONLY)
        os.utime(descriptor, ns=(after.st_atime_ns, after.st_mtime_ns))
        os.fsync(descriptor)


if __name__ == "__main__":
    try:
        copy_file(Path(sys.argv[1]), Path(sys.argv[2]))
    except OSError as error:
        sys.exit(error.strerror or str(error))
