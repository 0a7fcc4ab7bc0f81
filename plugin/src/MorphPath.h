#ifndef OPENMM_MORPHPATH_H_
#define OPENMM_MORPHPATH_H_

#include "Rotation.h"
#include "genmd/SoftCoordinates.h"
#include <vector>

namespace OpenMM {

/**
 * The way of the moved particles from one conformation to another, along the shortest arc of soft coordinates. The way
 * back is the same one in reverse.
 */
class MorphPath {
public:
    /**
     * Find the way. Throws an OpenMMException if the coordinates do not lead from x to y: if y changes anything else.
     *
     * @param coordinates   local to the moved particles; they must outlive this object
     * @param x             where it starts
     * @param y             where it ends, but for a rigid motion if the coordinates superpose
     * @param isVirtual     the particles whose place has no meaning, since it is recomputed
     */
    MorphPath(const SoftCoordinates& coordinates, const std::vector<Vec3>& x, const std::vector<Vec3>& y,
              const std::vector<bool>& isVirtual);
    /** Get the conformation at a part of the way. */
    std::vector<Vec3> getPositions(double fraction) const;

    /** Get the root mean square displacement from one end to the other in nm, which is that of the way back. */
    double getDisplacement() const;

private:
    std::vector<Vec3> getDirect(double fraction) const;
    Vec3 getCenter(const std::vector<int>& group, const std::vector<Vec3>& positions) const;
    void requireArrival(const std::vector<Vec3>& y) const;
    RigidMotion superposeReal(const std::vector<Vec3>& positions, const std::vector<Vec3>& onto) const;
    const SoftCoordinates& coordinates;
    std::vector<bool> isVirtual;
    std::vector<Vec3> start;
    SoftValues from;
    SoftStep step;
    /** Of the bodies that follow frames. */
    std::vector<Vec3> firstCenters, lastCenters;
    std::vector<Vec3> middle;
    RigidMotion startOntoMiddle;
};

} // namespace OpenMM

#endif /*OPENMM_MORPHPATH_H_*/
