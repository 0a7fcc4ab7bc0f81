#ifndef OPENMM_GENMD_KEPTPOSITIONS_H_
#define OPENMM_GENMD_KEPTPOSITIONS_H_

#include "ParticleList.h"
#include "openmm/System.h"
#include "openmm/Vec3.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * The positions of all particles at one moment, on the device and to the bit.
 *
 * OpenMM changes the order of the atoms in its arrays from time to time and moves whole molecules into the first
 * periodic box, counting in cell offsets by how many boxes. Positions are therefore kept in the System's order, and
 * the cell offsets with them.
 */
class KeptPositions {
public:
    /**
     * Create the object; nothing is kept yet.
     *
     * @param cc       the Context of the device
     * @param system   the System being simulated
     * @param leaping  the particles that candidates move
     */
    KeptPositions(ComputeContext& cc, const System& system, const std::vector<int>& leaping);
    /** Remember the Context's positions. */
    void keep();
    /** Give the Context the kept positions. */
    void place();
    /**
     * Give the Context the kept positions, but other ones for the leaping particles. Virtual sites are not recomputed.
     *
     * @param positions    positions in nm as a user sees them: not moved into a periodic box
     */
    void placeLeap(const std::vector<Vec3>& positions);
    /** The same for any other particles. */
    void place(ParticleList& particles, const std::vector<Vec3>& positions);
    /** Get the kept positions of some particles, as a user sees them. */
    void gather(ParticleList& particles, std::vector<Vec3>& positions);
    /** Collect the kept positions of some particles on the device, where each lacks its shift. */
    ArrayInterface& gatherOnDevice(ParticleList& particles);
    /** Get how far the device has some particles from where a user sees them, in nm. */
    std::vector<Vec3> getShifts(const ParticleList& particles) const;

private:
    class Listener;
    void compileKernels();
    void compileScatterKernels(ComputeProgram program);
    void keepOffsets();
    void placeOffsets();
    void uploadPlaces();
    bool offsetsChanged() const;
    bool onlyLeapChanged() const;
    Vec3 getShift(int particle, const Vec3* box) const;
    void upload(ParticleList& particles, const std::vector<Vec3>& positions);
    void placeAll(bool hasNew);
    ComputeContext& cc;
    ComputeKernel keepKernel, placeKernel, gatherKernel, scatterKernel, restoreKernel;
    ComputeArray kept, keptCorrection, uploaded, uploadedCorrection, gathered, leapPlaces, changingPlaces;
    ParticleList nothing, leaping;
    /** The leaping particles and all virtual sites. */
    ParticleList changing;
    bool othersChanged;
    int stepsSinceReorder;
    long long placesVersion;
    /** Outlives this object: a Context never lets go of its listeners. */
    std::shared_ptr<long long> numReorders;
    long long indexVersion;
    std::vector<int> deviceIndex;
    std::vector<mm_int4> offsets;
    /** An element of offsets that is not zero, or -1. */
    int witness;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_KEPTPOSITIONS_H_*/
