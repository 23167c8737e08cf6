"""A disk that is soon full, for one process: a tmpfs that is mounted in that process's own view of the file system."""

from pathlib import Path

MOUNT = 'mount -t tmpfs -o "size=$0" none "$1" && shift && exec "$@"'


def on_a_small_disk(folder: Path, size: int, files: int = 0) -> tuple[str, ...]:
    """The words of a command that becomes another one, for which `folder` is an empty disk of so many bytes.

    It has room for so many files and folders, itself among them; 0: for any number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, f"{size},nr_inodes={files}", str(folder))


def seen_by(pid: int, folder: Path) -> list[Path]:
    """All files below a folder as a process sees them."""
    return [path for path in Path(f"/proc/{pid}/root{folder}").rglob("*") if path.is_file()]
