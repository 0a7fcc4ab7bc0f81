#ifndef OPENMM_GENMD_PARTICLELIST_H_
#define OPENMM_GENMD_PARTICLELIST_H_

#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <vector>

namespace OpenMM {

/** Some particles of the System, known to host and device. */
class ParticleList {
public:
    explicit ParticleList(ComputeContext& cc);
    /** Set the particles; nothing happens if they are the same as before. */
    void set(const std::vector<int>& newParticles);
    const std::vector<int>& getParticles() const {
        return particles;
    }
    int getSize() const {
        return (int)particles.size();
    }
    /** Get the particles as an array on the device. */
    ArrayInterface& getIndices();
    /** Get an array on the device that holds for every particle of the System its place in this list, or -1. */
    ArrayInterface& getSlots();
    /** Give an array at least so many elements that it has one per particle of this list. */
    void fit(ComputeArray& array, int elementSize, const char* name) const;

private:
    ComputeContext& cc;
    std::vector<int> particles;
    ComputeArray indices, slots;
    bool indicesAreValid, slotsAreValid;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_PARTICLELIST_H_*/
