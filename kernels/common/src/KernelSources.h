#ifndef OPENMM_GENMD_KERNELSOURCES_H_
#define OPENMM_GENMD_KERNELSOURCES_H_

#include "openmm/common/ComputeContext.h"
#include <string>

namespace OpenMM {

/** The device code, one string per file in kernels/; the build turns the files into their definitions. */
struct KernelSources {
    static const std::string positions, velocities, overlaps, tensors;
    /** Compile a source, with what all of them use defined. */
    static ComputeProgram compile(ComputeContext& cc, const std::string& source);
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_KERNELSOURCES_H_*/
