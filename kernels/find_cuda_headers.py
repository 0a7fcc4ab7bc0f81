"""Print the folders with CUDA's headers in installed Python packages, separated by semicolons."""

import sys
from importlib.metadata import PackageNotFoundError, files

WANTED = {
    "nvidia-cuda-runtime": "include/cuda.h",
    "nvidia-cuda-crt": "include/crt/host_defines.h",
}


def find_folders() -> list[str]:
    """Return the include folders, each once; empty unless every header is there."""
    folders = []
    for package, header in WANTED.items():
        try:
            found = [file for file in files(package) or [] if str(file).endswith(header)]
        except PackageNotFoundError:
            return []
        if not found:
            return []
        path = str(found[0].locate())
        folders.append(path[: -len(header)] + "include")
    return sorted(set(folders))


sys.stdout.write(";".join(find_folders()))
