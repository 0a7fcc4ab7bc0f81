"""How amino acids and caps are linked, read from bonds and elements: `PeptideBonds`."""

from __future__ import annotations

from collections.abc import Collection

from openmm import app

from openmm_genmd.data.molecules import BondGraph


class PeptideBonds:
    """Amide links of a Topology, whatever its atoms and residues are called.

    Caps may thus be residues of their own, as in Amber, or atoms of the first and last residue, as
    in CHARMM; a ring of residues is linked like a chain.

    Parameters
    ----------
    topology
        With bonds.

    Raises
    ------
    ValueError
        If it has none.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> links = PeptideBonds(topology)
    >>> names = [atom.name for atom in topology.atoms()]
    >>> [tuple(names[atom] for atom in pair) for pair in links.amides]
    [('C', 'N'), ('C', 'N')]
    """

    def __init__(self, topology: app.Topology) -> None:
        self.neighbours = BondGraph.of(topology).neighbours
        if not self.neighbours:
            raise ValueError(
                "the Topology has no bonds, so that it is not known what is linked to what; call "
                "its createStandardBonds(), or load it from a file that has them"
            )
        self.elements = [a.element.symbol if a.element else "" for a in topology.atoms()]

    @property
    def amides(self) -> list[tuple[int, int]]:
        """Carbon and nitrogen of every amide bond, side chains and caps included."""
        return [
            (carbon, nitrogen)
            for carbon in sorted(self.neighbours)
            if self.is_carbonyl(carbon)
            for nitrogen in self.bonded(carbon, "N")
        ]

    def bonded(self, atom: int, element: str) -> list[int]:
        """Atoms of an element that are bonded to an atom, ascending."""
        return sorted(o for o in self.neighbours.get(atom, ()) if self.elements[o] == element)

    def is_carbonyl(self, atom: int) -> bool:
        """Whether an atom is a carbon with an oxygen that has no other neighbor."""
        oxygens = self.bonded(atom, "O") if self.elements[atom] == "C" else []
        return any(len(self.neighbours[oxygen]) == 1 for oxygen in oxygens)

    def carbonyl_before(self, nitrogen: int) -> int | None:
        """Carbon of the amide bond that a backbone nitrogen is part of, None at the chain's start.

        Not that of the same residue, nor a methyl or ring carbon on the nitrogen.
        """
        carbons = [atom for atom in self.bonded(nitrogen, "C") if self.is_carbonyl(atom)]
        return carbons[0] if carbons else None

    def nitrogen_after(self, carbon: int) -> int | None:
        """Nitrogen of the amide bond that a backbone carbon is part of, None at the chain's end."""
        nitrogens = self.bonded(carbon, "N")
        return nitrogens[0] if nitrogens else None

    def carbon_beside(self, carbonyl: int) -> int | None:
        """Carbon bonded to a carbonyl: CA, or CH3 of an acetyl; None for a formyl."""
        carbons = self.bonded(carbonyl, "C")
        return carbons[0] if carbons else None

    def reach(self, start: int, blocked: Collection[int], within: Collection[int]) -> set[int]:
        """Atoms that can be reached from ``start`` along bonds, itself included.

        Parameters
        ----------
        start
            An atom.
        blocked
            Atoms that no path may cross.
        within
            Atoms that paths may use.
        """
        reached, front = {start}, [start]
        for atom in front:
            allowed = (o for o in self.neighbours.get(atom, ()) if o in within)
            fresh = [other for other in allowed if other not in reached and other not in blocked]
            reached.update(fresh)
            front += fresh
        return reached
