#ifndef OPENMM_DIHEDRAL_H_
#define OPENMM_DIHEDRAL_H_

#include "openmm/Vec3.h"
#include <array>

namespace OpenMM {

/** Get the dihedral angle i-j-k-l in rad, in [-pi, pi]; trans is pi. */
double getDihedral(const Vec3& i, const Vec3& j, const Vec3& k, const Vec3& l);

/**
 * Get the derivatives of the dihedral angle with respect to the four positions, in rad/nm (Blondel and Karplus, J.
 * Comput. Chem. 17, 1132 (1996)).
 */
std::array<Vec3, 4> getDihedralGradient(const Vec3& i, const Vec3& j, const Vec3& k, const Vec3& l);

} // namespace OpenMM

#endif /*OPENMM_DIHEDRAL_H_*/
