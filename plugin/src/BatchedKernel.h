#ifndef OPENMM_BATCHEDKERNEL_H_
#define OPENMM_BATCHEDKERNEL_H_

/*
 * What a kernel for a block of conformations sees. The kernels are compiled for one instruction set each, so that
 * nothing that may be shared with other files, such as a template of the standard library, may be used there.
 */

namespace OpenMM {

/** The tables of BatchedTerms, under the same names. */
struct BatchedTables {
    int numParticles;
    double constantEnergy;
    int numBonds, numAngles, numTorsions, numCmaps;
    const int *bondAtoms, *angleAtoms, *torsionAtoms, *torsionStarts, *cmapAtoms, *cmapSizes, *cmapStarts;
    const double *bondParameters, *angleParameters, *torsionCosines, *torsionSines, *cmapCoefficients;
    bool hasPairs, hasBorn;
    const double *pairCoulomb, *pairRepulsion, *pairAttraction;
    const double *bornRadii, *bornOffsetRadii, *bornScaledRadii, *bornCharges, *bornSurface;
    double bornSign;
    /** For each pair, the square of the distance from which on its Born integrals are a power series. */
    const double* pairFarDistances;
    /**
     * What one conformation of the batch knows of each pair, or a null pointer: the square of the distance, the
     * energy, and the Born integral of each atom over the other's volume. A leap leaves many distances as they are.
     */
    const double* knownPairs;
};

const int KnownPerPair = 4;

/** A kernel for one instruction set. */
struct BatchedKernel {
    const char* name;
    /** How many conformations it evaluates at once. */
    int numLanes;
    /**
     * Evaluate a block of conformations.
     *
     * @param tables      the terms
     * @param positions   of atom i, numLanes values of x, then of y, then of z, aligned to their size
     * @param scratch     room for BatchedScratch * numParticles * numLanes values, aligned to numLanes of them
     * @param energies    on exit, numLanes energies
     */
    void (*evaluate)(const BatchedTables& tables, const double* positions, double* scratch, double* energies);
    /** Compute the table of known pairs from one conformation, given as one row of coordinates. */
    void (*findKnown)(const BatchedTables& tables, const double* positions, double* known);
};

/** How many values per particle and lane a kernel keeps between its passes. */
const int BatchedScratch = 2;

/** The largest (descreening radius / distance)^2 for which a Born integral is taken as a power series. */
const double BornSeriesEnd = 0.28;

extern const BatchedKernel BatchedKernelGeneric;
#if defined(__x86_64__)
extern const BatchedKernel BatchedKernelAvx2;
extern const BatchedKernel BatchedKernelAvx512;
#endif

/** Get the kernels that this machine can run, the fastest first. */
int getBatchedKernels(const BatchedKernel* kernels[3]);

} // namespace OpenMM

#endif /*OPENMM_BATCHEDKERNEL_H_*/
