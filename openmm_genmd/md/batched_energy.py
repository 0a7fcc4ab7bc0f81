"""`BatchedEnergy`: potential energies of many conformations in one call."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from openmm_genmd.md.platforms import find_platform
from openmm_genmd.native import core


class BatchedEnergy:
    """Potential energies of many conformations of some molecules of a System, in one call.

    OpenMM evaluates one conformation at a time. This class takes the terms of the System's own
    forces into tables and evaluates many conformations side by side, in double precision, with the
    processor's vector instructions and, for large batches, several threads; or, with `platform`, on
    the device of that platform. For a System of one molecule without cutoff the result is OpenMM's
    energy to rounding.

    Supported are HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce, RBTorsionForce,
    CMAPTorsionForce, NonbondedForce without cutoff (exceptions included) and GBSAOBCForce without
    cutoff (surface term included). Thermostats, barostats, CMMotionRemover and constraints have no
    energy and are passed over. Anything else is an error that lists all that is missing.

    **What is left out**: the energy is that of `particles` alone. Interactions with other particles
    of the System are not in it, nor do those descreen the Born radii; so the particles must be
    whole molecules. A force's group does not matter. Global parameters of a NonbondedForce count
    with their default values, and later changes of the System do not count.

    Parameters
    ----------
    system
        The System whose forces are evaluated.
    particles
        Indices of the particles, in the order in which positions will come; None means all.
    threads
        How many threads may share a large batch; None means one for each core that the process may
        use. The energies do not depend on it, not even in the last bit.
    platform
        The platform, or the name of the one, on whose device energies are evaluated, with its
        default properties but in double precision; None is the host. It needs one of
        `openmm_genmd.md.platform_kernels`. It pays where a GPU gets thousands of conformations at
        a time; a few dozen leave most of the GPU idle, and the host is the better choice.
        `MultipleTry` takes such a surrogate like any other.

    Raises
    ------
    ValueError
        If a particle is out of range or named twice, if there is none, or if bonded terms join one
        with a particle that is not named; if the System contains anything that is not supported;
        if `threads` is not positive, or given with a platform; if OpenMM has no such platform
        here, if it has no kernel for this, or if its device cannot be used in double precision.
    TypeError
        If `system` is not a System, an index or `threads` not an integer, or `platform` neither a
        Platform nor a name.

    References
    ----------
    Generalized Born model: Onufriev, Bashford and Case, Proteins 55, 383 (2004), eqs. 6-8 (OBC II).

    Examples
    --------
    >>> from openmm import app
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> force_field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    >>> energy = BatchedEnergy(force_field.createSystem(topology), threads=1)
    >>> noise = 0.001 * np.random.default_rng(1).normal(size=(100, 22, 3))
    >>> energy.evaluate(positions_nm + noise).shape
    (100,)
    """

    def __init__(
        self,
        system: openmm.System,
        particles: Iterable[int] | None = None,
        *,
        threads: int | None = None,
        platform: openmm.Platform | str | None = None,
    ) -> None:
        if not isinstance(system, openmm.System):
            raise TypeError(f"system must be an openmm.System, got {system!r}")
        if particles is None:
            particles = range(system.getNumParticles())
        self._threads = None if threads is None else operator.index(threads)
        if self._threads is not None and self._threads < 1:
            raise ValueError(f"threads must be positive, got {threads}")
        if self._threads is not None and platform is not None:
            raise ValueError("threads are those of the host: with a platform leave them out")
        self._platform = None if platform is None else _platform_name(platform)
        self.native = core.BatchedEnergy(
            system,
            [_clipped(particle) for particle in particles],
            _clipped(self._threads or 0),
            self._platform,
        )
        self._system_xml = openmm.XmlSerializer.serialize(system)

    @property
    def particles(self) -> list[int]:
        """Indices into the System of the particles, in the order of the rows of positions."""
        return list(self.native.particles)

    @property
    def platform(self) -> str | None:
        """Name of the platform on whose device energies are evaluated; None is the host."""
        return self._platform

    def evaluate(self, positions: Any) -> NDArray[np.float64]:
        """Potential energies ``(K,)`` float64, kJ/mol, of K conformations.

        Parameters
        ----------
        positions
            ``(K, n, 3)`` for the n `particles`: a Quantity, or numbers in nm of any real type
            (converted to float64). Positions that are not finite give an energy that is not.

        Raises
        ------
        ValueError
            If the shape, or the dimension of a Quantity, is another one.
        TypeError
            If these are not real numbers.
        """
        coordinates_nm = np.ascontiguousarray(_real_nm(positions), dtype=np.float64)
        expected = (len(self.native.particles), 3)
        if coordinates_nm.ndim != 3 or coordinates_nm.shape[1:] != expected:
            raise ValueError(
                f"positions must have shape (K, {expected[0]}, 3), got {coordinates_nm.shape}; "
                "for a single conformation pass [positions]"
            )
        energies: NDArray[np.float64] = self.native.evaluate(coordinates_nm)
        return energies

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._system_xml, self.particles, self._threads, self._platform)


def _rebuild(
    system_xml: str, particles: list[int], threads: int | None, platform: str | None
) -> BatchedEnergy:
    system = openmm.XmlSerializer.deserialize(system_xml)
    return BatchedEnergy(system, particles, threads=threads, platform=platform)


def _platform_name(platform: openmm.Platform | str) -> str:
    if not isinstance(platform, (openmm.Platform, str)):
        raise TypeError(f"platform must be an openmm.Platform or its name, got {platform!r}")
    name = platform if isinstance(platform, str) else platform.getName()
    return str(find_platform(name).getName())


def _clipped(value: int) -> int:
    """Integer of 32 bits: one beyond them is as much out of range as the last of them."""
    return max(-(2**31), min(operator.index(value), 2**31 - 1))


def _real_nm(positions: Any) -> NDArray[Any]:
    if unit.is_quantity(positions):
        if not positions.unit.is_compatible(unit.nanometer):
            raise ValueError(f"positions must be lengths, got {positions.unit}")
        positions = positions.value_in_unit(unit.nanometer)
    array = np.asarray(positions)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"positions must be real numbers in nm, got an array of {array.dtype}")
    return array
