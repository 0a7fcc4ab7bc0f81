"""Complexes that are only geometry: a chain of carbons as receptor, a few carbons as ligand."""

from __future__ import annotations

import numpy as np
import openmm
from openmm import app

from openmm_genmd.md.system_input import SystemInput


def carbons(topology, name, n_residues, per_residue, *, bonded=True):
    """A chain of residues of carbons, each bonded to the next."""
    chain = topology.addChain()
    last = None
    for _ in range(n_residues):
        residue = topology.addResidue(name, chain)
        for n in range(per_residue):
            atom = topology.addAtom(f"C{n + 1}", app.element.carbon, residue)
            if last is not None and bonded:
                topology.addBond(last, atom)
            last = atom


def made_up(n_residues=6, n_ligand=4, gap_nm=0.35, *, ions=0, box_nm=None):
    """Receptor REC along x, ligand LIG beside its beginning, both straight; some ions far away."""
    topology = app.Topology()
    carbons(topology, "REC", n_residues, 2)
    carbons(topology, "LIG", 1, n_ligand)
    for _ in range(ions):
        residue = topology.addResidue("NA", topology.addChain())
        topology.addAtom("NA", app.element.sodium, residue)
    n_receptor = 2 * n_residues
    x = np.zeros((n_receptor + n_ligand + ions, 3))
    x[:n_receptor, 0] = 0.15 * np.arange(n_receptor)
    x[n_receptor : n_receptor + n_ligand, 0] = 0.15 * np.arange(n_ligand)
    x[n_receptor : n_receptor + n_ligand, 1] = gap_nm
    if ions:
        x[-ions:, 2] = 0.3 + 0.3 * np.arange(ions)
    system = openmm.System()
    for _ in x:
        system.addParticle(12.0)
    if box_nm is not None:
        system.setDefaultPeriodicBoxVectors(*box_nm)
        force = openmm.NonbondedForce()
        force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
        for _ in x:
            force.addParticle(0.0, 0.3, 0.1)
        system.addForce(force)
    return SystemInput(topology, x, system)
