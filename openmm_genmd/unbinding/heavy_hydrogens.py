"""Hydrogens made heavier, for longer time steps: `with_heavy_hydrogens`."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import openmm

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.unbinding.bound_complex import BoundComplex

_LIGHTEST_DA = 2.0
"""Of the atom that a hydrogen takes mass from."""
_CENTERS = "CustomCentroidBondForce"


def with_heavy_hydrogens(bound: BoundComplex, mass_da: float) -> BoundComplex:
    """Complex whose hydrogens have a mass that they take from the atoms they are bonded to.

    Positions are distributed as before, since masses do not enter their distribution; centers of
    mass in a CustomCentroidBondForce keep the weights they have. With 3 Da or 4 Da and constrained
    bonds to hydrogen the time step may be 4 fs. Particles without mass, and hydrogens bonded to
    one, stay as they are, and so does water.

    Parameters
    ----------
    bound
        Not changed.
    mass_da
        Of each hydrogen, dalton.

    Raises
    ------
    ValueError
        If the mass is not that of a hydrogen or above, or would leave a heavy atom with less than
        2 Da.

    References
    ----------
    Feenstra, Hess & Berendsen, J. Comput. Chem. 20, 786 (1999).

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> heavy = with_heavy_hydrogens(bundled_complex("cb7-b2"), 3.0)
    >>> sorted({round(heavy.system.getParticleMass(n)._value) for n in range(156)})
    [3, 8, 10, 12, 14, 16]
    """
    if not 1.0 <= mass_da < np.inf:
        raise ValueError(f"expected a mass of hydrogens of 1 Da at least, got {mass_da}")
    system, atoms = _with_fixed_centers(bound.system), list(bound.topology.atoms())
    water = {r.index for r in bound.topology.residues() if len(list(r.atoms())) <= 4}
    around = BondGraph.of(bound.topology, bound.system).neighbours
    for atom in atoms:
        owners = around.get(atom.index, [])
        if atom.element is None or atom.element.atomic_number != 1 or len(owners) != 1:
            continue
        own, other = (system.getParticleMass(n)._value for n in (atom.index, owners[0]))
        if own == 0 or other == 0 or atom.residue.index in water:
            continue
        left = other - (mass_da - own)
        if left < _LIGHTEST_DA:
            raise ValueError(
                f"hydrogens of {mass_da:g} Da would leave atom {owners[0]} with {left:.1f} Da; "
                "choose 3 to 4 Da"
            )
        system.setParticleMass(atom.index, mass_da)
        system.setParticleMass(owners[0], left)
    return replace(bound, system=system)


def _with_fixed_centers(system: openmm.System) -> openmm.System:
    """Copy in which centers that are weighted by mass have these weights for good.

    By way of XML, since Python does not see of which type a force inside an ATMForce is.
    """
    xml = openmm.XmlSerializer.serialize(system)
    if _CENTERS not in xml:
        return openmm.XmlSerializer.deserialize(xml)
    root = ElementTree.fromstring(xml)
    masses = [particle.get("mass", "0") for particle in root.iterfind("Particles/Particle")]
    for force in root.iter("Force"):
        if force.get("type") == _CENTERS:
            for particle in force.iterfind("Groups/Group/Particle"):
                particle.attrib.setdefault("weight", masses[int(particle.attrib["p"])])
    return openmm.XmlSerializer.deserialize(ElementTree.tostring(root, encoding="unicode"))
