"""Copies one file and flushes the copy to disk; run as a separate program: `python file_copy.py SOURCE COPY`.

The process that owns the database must not do this itself: POSIX drops all locks that a process has on a file as soon
as the process closes any descriptor of it. Uses only the standard library.
"""

import os
import shutil
import sys
from pathlib import Path

READ_ONLY = 0o444


def copy_file(source: Path, copy: Path) -> None:
    """Copy a file to a new path, flushed to disk, read-only and with the same modification time."""
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
