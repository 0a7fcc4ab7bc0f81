#ifndef OPENMM_ROTATION_H_
#define OPENMM_ROTATION_H_

#include "genmd/SoftCoordinates.h"
#include "openmm/Vec3.h"
#include <vector>

namespace OpenMM {

/** A rotation about the origin, by its matrix. */
class Rotation {
public:
    Rotation();
    /** Make a rotation about a vector by its length in rad. */
    static Rotation about(const Vec3& turn);
    /** Make the rotation that takes one set of axes to another. */
    static Rotation between(const std::array<Vec3, 3>& from, const std::array<Vec3, 3>& to);
    /** Make the rotation of a quaternion (scalar first), which need not have length one. */
    static Rotation fromQuaternion(const std::array<double, 4>& q);
    Vec3 operator*(const Vec3& v) const;
    /** Get the vector about which it turns, with the angle in [0, pi] as its length. */
    Vec3 getTurn() const;
    Rotation getInverse() const;

private:
    std::array<Vec3, 3> rows;
};

/** A rotation followed by a shift. */
struct RigidMotion {
    Rotation rotation;
    Vec3 shift;
    void apply(std::vector<Vec3>& positions) const;
    /** Undo it. */
    void applyInverse(std::vector<Vec3>& positions) const;
};

/**
 * Get the rigid motion that takes positions as close as possible to others (Horn, J. Opt. Soc. Am. A 4, 629 (1987)).
 */
RigidMotion superpose(const std::vector<Vec3>& positions, const std::vector<Vec3>& onto);

} // namespace OpenMM

#endif /*OPENMM_ROTATION_H_*/
