#ifndef OPENMM_CANDIDATEENERGY_H_
#define OPENMM_CANDIDATEENERGY_H_

#include "genmd/windowsExportGenMD.h"
#include "openmm/Vec3.h"
#include <vector>

namespace OpenMM {

/**
 * A potential energy of many conformations of the same particles: what weighs the candidates of a jump against each
 * other before one of them is tried with OpenMM's own energy. It need not be that energy.
 */
class OPENMM_EXPORT_GENMD CandidateEnergy {
public:
    virtual ~CandidateEnergy();
    /** Get the indices in the System of the particles, in the order in which evaluate() takes their positions. */
    virtual const std::vector<int>& getParticles() const = 0;
    /**
     * Evaluate the energy of each of a number of conformations.
     *
     * @param positions   count blocks of getParticles().size() positions in nm. Any value is allowed: NaN gives NaN.
     * @param count       the number of conformations
     * @param energies    on exit, the energy of each in kJ/mol; it may be NaN or infinite
     */
    virtual void evaluate(const std::vector<Vec3>& positions, int count, std::vector<double>& energies) = 0;
};

} // namespace OpenMM

#endif /*OPENMM_CANDIDATEENERGY_H_*/
