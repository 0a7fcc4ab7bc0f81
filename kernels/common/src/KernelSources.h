#ifndef OPENMM_GENMD_KERNELSOURCES_H_
#define OPENMM_GENMD_KERNELSOURCES_H_

#include "openmm/common/ComputeContext.h"
#include <map>
#include <string>

namespace OpenMM {

/** The device code, one string per file in kernels/; the build turns the files into their definitions. */
struct KernelSources {
    static const std::string positions, velocities, overlaps, tensors, batchedEnergy;
    /** Compile a source, with what all of them use, and more, defined. */
    static ComputeProgram compile(ComputeContext& cc, const std::string& source,
                                  std::map<std::string, std::string> defines = {});
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_KERNELSOURCES_H_*/
