"""Complexes by name, from files that come with openmmtools: `bundled_complex`."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.host_guest import minimized, thread_guest
from openmm_genmd.unbinding.merged_systems import merge_systems

Floats = NDArray[np.float64]

_LYSOZYME_CUTOFF_NM = 1.2
_LYSOZYME_POCKET_NM = 0.6
_HYDROGEN_RADIUS_NM = 0.12


def bundled_complex(
    name: str,
    *,
    temperature_k: float = 300.0,
    cutoff_nm: float | None = None,
    pocket_nm: float | None = None,
    frozen: bool = False,
) -> BoundComplex:
    """One of the complexes that can be had by name, in implicit solvent (OBC2 [2]_).

    Bonds to hydrogen are constrained, the first positions are minimized, and the files of
    openmmtools are used.

    ``cb7-b2``
        Cucurbit[7]uril and 1,4-bis(hydroxymethyl)bicyclo[2.2.2]octane, 156 atoms, GAFF with
        AM1-BCC charges.
    ``cb7-viologen``
        Cucurbit[7]uril and 1,1'-bis(5-carboxypentyl)-4,4'-bipyridinium (+2, both acids
        protonated), 184 atoms. In the files the two are apart: the guest is threaded through the
        ring with its bipyridinium inside, and minimized. With protonated acids the ring sits on
        one of the chains most of the time, on the bipyridinium when they are not [1]_; both are
        bound states here. Hydrogens get the radius that goes with OBC2, 0.12 nm, instead of the
        file's (0.13, and 0.08 on oxygen).
    ``cb7-p-xylene``
        Cucurbit[7]uril and p-xylene, 144 atoms, made up from the two systems next to it: no known
        binder, and a guest that models trained on the others have not seen.
    ``l99a-p-xylene``
        T4 lysozyme L99A and p-xylene in its buried cavity, 2,621 atoms, Amber ff96 and GAFF.

    Parameters
    ----------
    name
        See above.
    temperature_k
        At which it is to be simulated.
    cutoff_nm
        Of nonbonded interactions; infinity for none. By default none with cucurbituril, 1.2 nm
        with lysozyme.
    pocket_nm, frozen
        See `BoundComplex.of`. With lysozyme the pocket reaches 0.6 nm by default: that is what the
        bundled model was shown.

    Raises
    ------
    ValueError
        If there is no complex of that name, or an option makes no sense.
    ModuleNotFoundError
        If openmmtools is not installed.
    FileNotFoundError
        If it lacks a file.

    References
    ----------
    .. [1] Kaifer, Li, Silvi & Sindelar, Chem. Commun. 48, 6693 (2012).
    .. [2] Onufriev, Bashford & Case, Proteins 55, 383 (2004): OBC2.

    Examples
    --------
    >>> complex = bundled_complex("cb7-p-xylene")
    >>> complex.topology.getNumAtoms(), len(complex.ligand), complex.temperature_k
    (144, 18, 300.0)
    """
    if name not in _BUILDERS:
        raise ValueError(f"no complex named {name!r}; there are {', '.join(_BUILDERS)}")
    if cutoff_nm is not None and not cutoff_nm > 0:
        raise ValueError(f"expected a cutoff above 0 nm, got {cutoff_nm}")
    builder, ligand = _BUILDERS[name]
    if name == "l99a-p-xylene" and pocket_nm is None:
        pocket_nm = _LYSOZYME_POCKET_NM
    return BoundComplex.of(
        builder(cutoff_nm),
        ligand,
        name=name,
        temperature_k=temperature_k,
        pocket_nm=pocket_nm,
        frozen=frozen,
    )


def bundled_names() -> tuple[str, ...]:
    """Names that `bundled_complex` knows.

    Examples
    --------
    >>> bundled_names()
    ('cb7-b2', 'cb7-viologen', 'cb7-p-xylene', 'l99a-p-xylene')
    """
    return tuple(_BUILDERS)


def _data_file(name: str) -> Path:
    """File of openmmtools, which is looked up and not imported: that would take seconds."""
    spec = importlib.util.find_spec("openmmtools")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    if not folders:
        raise ModuleNotFoundError(
            "the bundled complexes are made from files that come with openmmtools, which is not "
            "installed; run: pip install openmmtools"
        )
    path = Path(folders[0]) / "data" / name
    if not path.is_file():
        raise FileNotFoundError(
            f"openmmtools has no file {path}; install another version: "
            "pip install --upgrade openmmtools"
        )
    return path


def _amber(prmtop: str, coordinates: str, cutoff_nm: float | None) -> SystemInput:
    """Topology, positions and System of Amber files."""
    loaded = app.AmberPrmtopFile(str(_data_file(prmtop)))
    options: dict[str, Any] = {"nonbondedMethod": app.NoCutoff}
    if cutoff_nm is not None and np.isfinite(cutoff_nm):
        options = {
            "nonbondedMethod": app.CutoffNonPeriodic,
            "nonbondedCutoff": cutoff_nm * unit.nanometer,
        }
    with warnings.catch_warnings():
        # About radii of cb7-viologen, which are replaced below.
        warnings.filterwarnings("ignore", message="Non-optimal GB parameters")
        system = loaded.createSystem(implicitSolvent=app.OBC2, constraints=app.HBonds, **options)
    found = app.AmberInpcrdFile(str(_data_file(coordinates))).getPositions(asNumpy=True)
    return SystemInput(loaded.topology, np.array(found._value, dtype=np.float64), system)


def _cb7_b2(cutoff_nm: float | None) -> SystemInput:
    given = _amber("cb7-b2/complex-vacuum.prmtop", "cb7-b2/complex-vacuum.inpcrd", cutoff_nm)
    return _minimized(given)


def _cb7_viologen(cutoff_nm: float | None) -> SystemInput:
    folder = "cb7-viologen/leap"
    given = _amber(f"{folder}/complex-vacuum.prmtop", f"{folder}/complex-vacuum.inpcrd", cutoff_nm)
    host, guest = given.topology.residues()
    # The files call the host LIG and the guest <0>.
    host.name, guest.name = "CB7", "VIO"
    _use_standard_radii(given)
    first = len(list(host.atoms()))
    names = [atom.name for atom in guest.atoms()]
    bipyridinium = [names.index(name) for name in (*(f"C{n}" for n in range(1, 11)), "N1", "N2")]
    return _threaded(given, first, bipyridinium)


def _cb7_p_xylene(cutoff_nm: float | None) -> SystemInput:
    host = _amber("cb7-b2/receptor.prmtop", "cb7-b2/receptor.inpcrd", cutoff_nm)
    folder = "T4-lysozyme-L99A-implicit"
    guest = _amber(f"{folder}/ligand.prmtop", f"{folder}/ligand-minimized.crd", cutoff_nm)
    [xylene] = guest.topology.residues()
    xylene.name = "PXY"
    modeller = app.Modeller(host.topology, host.positions_nm * unit.nanometer)
    modeller.add(guest.topology, guest.positions_nm * unit.nanometer)
    x = np.concatenate((host.positions_nm, guest.positions_nm))
    given = SystemInput(modeller.topology, x, merge_systems(host.system, guest.system))
    carbons = [n for n, atom in enumerate(xylene.atoms()) if atom.element is app.element.carbon]
    return _threaded(given, len(host.positions_nm), carbons)


def _l99a_p_xylene(cutoff_nm: float | None) -> SystemInput:
    folder = "T4-lysozyme-L99A-implicit"
    given = _amber(
        f"{folder}/complex.prmtop",
        f"{folder}/complex-minimized.crd",
        _LYSOZYME_CUTOFF_NM if cutoff_nm is None else cutoff_nm,
    )
    *_, xylene = given.topology.residues()
    xylene.name = "PXY"
    # Minimized with this force field already, which here would take minutes.
    return given


def _threaded(given: SystemInput, first: int, inside: list[int]) -> SystemInput:
    """The same with the guest, which begins at an index, in the host."""
    host_nm, guest_nm = given.positions_nm[:first], given.positions_nm[first:]
    x = np.concatenate((host_nm, thread_guest(host_nm, guest_nm, inside)))
    return _minimized(SystemInput(given.topology, x, given.system))


def _minimized(given: SystemInput) -> SystemInput:
    x = minimized(given.system, given.positions_nm)
    return SystemInput(given.topology, x, given.system)


def _use_standard_radii(given: SystemInput) -> None:
    """Give hydrogens the radius that goes with OBC2 (mbondi2), there being none on nitrogen."""
    hydrogens = [a.index for a in given.topology.atoms() if a.element is app.element.hydrogen]
    for force in given.system.getForces():
        if isinstance(force, openmm.GBSAOBCForce):
            for n in hydrogens:
                charge, _, scale = force.getParticleParameters(n)
                force.setParticleParameters(n, charge, _HYDROGEN_RADIUS_NM, scale)


_BUILDERS: dict[str, tuple[Callable[[float | None], SystemInput], str]] = {
    "cb7-b2": (_cb7_b2, "B2"),
    "cb7-viologen": (_cb7_viologen, "VIO"),
    "cb7-p-xylene": (_cb7_p_xylene, "PXY"),
    "l99a-p-xylene": (_l99a_p_xylene, "PXY"),
}
"""Name -> what makes the complex, and the selection of the ligand."""
