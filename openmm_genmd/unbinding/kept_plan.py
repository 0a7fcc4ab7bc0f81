"""The plan that a folder was begun with: `plan_changes`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openmm_genmd.unbinding.whole_file import write_whole


def plan_changes(plan: Mapping[str, Any], path: Path) -> list[str]:
    """Names in which a plan differs from that in a file, to which it is written if there is none.

    Parameters
    ----------
    plan
        What JSON can hold, by name.
    path
        Of the file; its folder is there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "plan.json"
    ...     plan_changes({"seed": 1, "walkers": 3}, path)
    ...     plan_changes({"seed": 2, "walkers": 3}, path)
    []
    ['seed']
    """
    if not path.exists():
        write_whole(path, json.dumps(plan, indent=1) + "\n")
        return []
    stored = json.loads(path.read_text(encoding="utf-8"))
    return [name for name in plan if plan[name] != stored.get(name)]
