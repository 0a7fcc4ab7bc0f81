#ifndef OPENMM_OVERLAPFINDER_H_
#define OPENMM_OVERLAPFINDER_H_

#include "genmd/windowsExportGenMD.h"
#include "openmm/System.h"
#include "openmm/Vec3.h"
#include <utility>
#include <vector>

namespace OpenMM {

/**
 * Finds out whether moved particles overlap with others, to tell why a jump was rejected. Two particles overlap if they
 * are closer than 0.75 of their Lennard-Jones diameter, where the repulsion is about 90 epsilon, and are not an
 * exception (1-2, 1-3, 1-4 neighbors) of the NonbondedForce. A System without NonbondedForce has no overlaps.
 */
class OPENMM_EXPORT_GENMD OverlapFinder {
public:
    /**
     * Create an OverlapFinder.
     *
     * @param system     the System
     * @param particles  the particles that may have moved
     */
    OverlapFinder(const System& system, const std::vector<int>& particles);
    /**
     * Get whether a moved particle overlaps with any other particle. The moved ones are sorted into cells of the size
     * of the largest particle, so that the cost is one look-up per particle of the System.
     *
     * @param positions  positions of all particles in nm
     * @param box        periodic box vectors in nm, or null
     */
    bool hasOverlap(const std::vector<Vec3>& positions, const Vec3* box) const;
    /** Get the particles that may have moved and can overlap. */
    const std::vector<int>& getParticles() const {
        return particles;
    }
    /** Get for every particle the distance in nm that it contributes to that at which two overlap; 0 for no size. */
    const std::vector<double>& getRadii() const {
        return radius;
    }
    /** Get the pairs, smaller index first, of which one may have moved and that never count as overlapping. */
    const std::vector<std::pair<int, int>>& getExceptions() const {
        return exceptions;
    }

private:
    bool pairOverlaps(int moved, int other, const std::vector<Vec3>& positions, const Vec3* box) const;
    std::vector<int> particles;
    std::vector<double> radius;
    double largestRadius;
    std::vector<std::pair<int, int>> exceptions;
};

} // namespace OpenMM

#endif /*OPENMM_OVERLAPFINDER_H_*/
