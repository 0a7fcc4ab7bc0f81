#ifndef OPENMM_BATCHEDENERGYKERNEL_H_
#define OPENMM_BATCHEDENERGYKERNEL_H_

#include "genmd/BatchedTerms.h"
#include "openmm/KernelImpl.h"
#include <string>

namespace OpenMM {

/**
 * Evaluates energies of many conformations on a platform's device, for a BatchedEnergy that was given this platform.
 * It uses nothing of the Context but its device and its double precision.
 */
class OPENMM_EXPORT_GENMD BatchedEnergyKernel : public KernelImpl {
public:
    static std::string Name() {
        return "GenMDBatchedEnergy";
    }
    BatchedEnergyKernel(std::string name, const Platform& platform) : KernelImpl(name, platform) {
    }
    /** Prepare for the energies of some terms, which are not needed afterwards. */
    virtual void initialize(const BatchedTerms& terms) = 0;
    /**
     * Evaluate energies.
     *
     * @param positions   for each conformation, three coordinates in nm per particle
     * @param count       the number of conformations
     * @param energies    on exit, the energy of each in kJ/mol
     */
    virtual void evaluate(const double* positions, int count, double* energies) = 0;
};

} // namespace OpenMM

#endif /*OPENMM_BATCHEDENERGYKERNEL_H_*/
