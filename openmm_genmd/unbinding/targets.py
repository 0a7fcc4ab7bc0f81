"""Where the springs' centres shall go: `accumulated_target`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.superposition import superpose

Array = NDArray[np.float64]


def accumulated_target(
    proposed_nm: Array,
    before_nm: Array,
    present_nm: Array,
    centres_nm: Array,
    is_ligand: NDArray[np.bool_],
) -> Array:
    """Target ``(n_tokens, 3)``, nm, of the springs' centres for a proposed frame.

    The proposed step is taken from where the centres are, not from where the atoms are: what lags
    behind is not forgotten, so that steps add up, and where no step is proposed no centre moves,
    so that there is no work. Centres that followed the atoms would take out the springs' thermal
    energy at each leap, which would look like work that the path gives back.

    A step of the ligand is a rotation about its centre, a shift of its centre, and for each atom
    what is left: its change of shape. In the pocket each atom is displaced by itself. Directions
    are those in the receptor's frame.

    Parameters
    ----------
    proposed_nm, before_nm
        ``(n_tokens, 3)``, nm, the proposed frame and the one that it follows. Both are superposed
        on the pocket as it is.
    present_nm
        ``(n_tokens, 3)``, nm, where everything is.
    centres_nm
        ``(n_tokens, 3)``, nm, of the springs.
    is_ligand
        ``(n_tokens,)`` bool.

    Examples
    --------
    >>> is_ligand = np.array([False] * 3 + [True] * 3)
    >>> present = np.concatenate([np.eye(3), np.eye(3)])
    >>> step, lag = 0.5 * is_ligand[:, None], 0.25 * is_ligand[:, None]
    >>> target = accumulated_target(present + step, present, present, present + lag, is_ligand)
    >>> bool(np.allclose(target, present + step + lag))
    True
    """
    pair, here = np.stack([before_nm, proposed_nm]), np.stack([present_nm] * 2)
    before, proposed = superpose(pair, here, np.stack([~is_ligand] * 2))
    target = centres_nm + (proposed - before)
    ligand = before[is_ligand], proposed[is_ligand], centres_nm[is_ligand]
    target[is_ligand] = _stepped(*ligand)
    return np.asarray(target)


def _stepped(before: Array, proposed: Array, centres: Array) -> Array:
    """Centres after the step from ``before`` to ``proposed``, all ``(n, 3)``."""
    middle = centres.mean(axis=0)
    about = np.concatenate([before - before.mean(axis=0), centres - middle])
    goal = np.concatenate([proposed - proposed.mean(axis=0), centres - middle])
    known = np.arange(len(about)) < len(before)
    turned = superpose(about[None], goal[None], known[None])[0]
    shape = goal[: len(before)] - turned[: len(before)]
    shift = (proposed - before).mean(axis=0)
    return np.asarray(middle + shift + turned[len(before) :] + shape)
