#ifndef OPENMM_GENMD_KEPTFORCES_H_
#define OPENMM_GENMD_KEPTFORCES_H_

#include "ParticleList.h"
#include "openmm/Vec3.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <vector>

namespace OpenMM {

/** The forces on all particles at one moment, on the device, in the System's order. */
class KeptForces {
public:
    explicit KeptForces(ComputeContext& cc);
    /** Remember the forces of the last evaluation. */
    void keep();
    /** Get the kept forces on some particles, in kJ/mol/nm. */
    void gather(ParticleList& particles, std::vector<Vec3>& forces);
    /** Get the array, in OpenMM's fixed point format, components one after the other. */
    ArrayInterface& getArray() {
        return kept;
    }

private:
    ComputeContext& cc;
    ComputeKernel keepKernel, gatherKernel;
    ComputeArray kept, gathered;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_KEPTFORCES_H_*/
