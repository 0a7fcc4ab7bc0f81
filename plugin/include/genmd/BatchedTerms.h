#ifndef OPENMM_BATCHEDTERMS_H_
#define OPENMM_BATCHEDTERMS_H_

#include "genmd/windowsExportGenMD.h"
#include "openmm/System.h"
#include <vector>

namespace OpenMM {

/**
 * The potential energy of some particles of a System as flat tables of numbers, ready for a kernel on any device.
 * Atoms are numbered by their place among the particles; lengths are in nm, energies in kJ/mol, angles in radians.
 */
struct OPENMM_EXPORT_GENMD BatchedTerms {
    /** The number of coefficients of one patch of a correction map. */
    static const int CoefficientsPerPatch = 16;
    /**
     * Collect the terms of a System's forces that join some particles with each other.
     *
     * @param system      the System; it may be changed or deleted afterwards
     * @param particles   the indices of the particles: whole molecules. Throws a std::invalid_argument if an index is
     *                    out of range or given twice, if there is none, or if anything in the System cannot be
     *                    evaluated; the message lists all of it.
     */
    BatchedTerms(const System& system, const std::vector<int>& particles);
    /** The indices of the particles in the System. */
    std::vector<int> particles;
    /** What does not depend on the conformation. */
    double constantEnergy = 0;

    /** Two atoms per bond. */
    std::vector<int> bondAtoms;
    /** Length and half the force constant of each bond. */
    std::vector<double> bondParameters;
    /** Three atoms per angle, the middle one second. */
    std::vector<int> angleAtoms;
    /** Angle and half the force constant of each angle. */
    std::vector<double> angleParameters;

    /** Four atoms per torsion; no four atoms occur twice. */
    std::vector<int> torsionAtoms;
    /** Where the coefficients of each torsion start in the two tables below, and, at the end, their number. */
    std::vector<int> torsionStarts;
    /** Coefficients of cos(phi), cos(2 phi), ... of each torsion. */
    std::vector<double> torsionCosines;
    /** Coefficients of sin(phi), sin(2 phi), ... of each torsion. */
    std::vector<double> torsionSines;

    /** Eight atoms per pair of torsions that a correction map joins. */
    std::vector<int> cmapAtoms;
    /** The side of the grid of each pair of torsions, and where its map starts in cmapCoefficients. */
    std::vector<int> cmapSizes, cmapStarts;
    /** Bicubic patches, the first torsion running fastest, of CoefficientsPerPatch coefficients each. */
    std::vector<double> cmapCoefficients;

    /** Whether pairs of atoms interact; if not, the tables of pairs are empty. */
    bool hasPairs = false;
    /**
     * For each pair of atoms, (0, 1), (0, 2) ... (1, 2) ..., the energy times r (Coulomb), and the coefficients of
     * r^-12 and of -r^-6 (Lennard-Jones).
     */
    std::vector<double> pairCoulomb, pairRepulsion, pairAttraction;

    /** Whether there is a generalized Born solvent. */
    bool hasBorn = false;
    /** Per atom: radius, radius without the dielectric offset, and the latter scaled for descreening others. */
    std::vector<double> bornRadii, bornOffsetRadii, bornScaledRadii;
    /** Per atom: charge times the root of what energies are multiplied with; bornSign is the sign of the energy. */
    std::vector<double> bornCharges;
    /** Per atom: what (radius / Born radius)^6 is multiplied with in the surface term. */
    std::vector<double> bornSurface;
    double bornSign = -1;
};

} // namespace OpenMM

#endif /*OPENMM_BATCHEDTERMS_H_*/
