#ifndef OPENMM_SOFTCOUPLING_H_
#define OPENMM_SOFTCOUPLING_H_

#include "genmd/JumpRandom.h"
#include "genmd/SoftCoordinates.h"
#include <vector>

namespace OpenMM {

/**
 * Springs between soft coordinates and a center s that is dragged: V = kT/2 sum (d/width)^2, d the shortest way from
 * the coordinates to the center. exp(-V/kT) is, up to a constant, the density with which draw() draws s: a normal
 * distribution for positions, truncated to (-pi, pi) for torsions, and one with respect to Haar's measure for
 * rotations.
 */
class SoftCoupling {
public:
    /** Coordinates are local to the moved particles and must outlive this object. */
    SoftCoupling(const SoftCoordinates& coordinates, double kT);
    /** Draw a center for some values. */
    SoftValues draw(const SoftValues& values, JumpRandom& random) const;
    /**
     * Get V in kJ/mol.
     *
     * @param positions   of the moved particles
     * @param forces      null, or to what the forces in kJ/mol/nm are added
     */
    double evaluate(const std::vector<Vec3>& positions, const SoftValues& center, std::vector<Vec3>* forces) const;

private:
    double evaluateFrame(int index, const std::vector<Vec3>& positions, const Vec3& shift, const Vec3& turn,
                         std::vector<Vec3>* forces) const;
    const SoftCoordinates& coordinates;
    double torsionSpring, positionSpring, rotationSpring;
};

} // namespace OpenMM

#endif /*OPENMM_SOFTCOUPLING_H_*/
