#ifndef OPENMM_MOVEDMOLECULES_H_
#define OPENMM_MOVEDMOLECULES_H_

#include "genmd/BondedForces.h"
#include "genmd/JumpRandom.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/Vec3.h"
#include "openmm/internal/ContextImpl.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * The molecules that a proposer moves, or parts of which it moves, and what every platform does in the same way when
 * they get fresh velocities.
 */
class OPENMM_EXPORT_GENMD MovedMolecules {
public:
    /**
     * Find the molecules.
     *
     * @param context    the Context of the simulation
     * @param particles  the particles that a jump may move
     */
    MovedMolecules(ContextImpl& context, const std::vector<int>& particles);
    /**
     * Select the particles with a mass of every molecule of which a part moved.
     *
     * @param start    where the particles that a jump may move were before it
     * @param current  where they are now
     * @return the indices of the selected particles; the order in which velocities are drawn
     */
    std::vector<int> selectRedrawn(const std::vector<Vec3>& start, const std::vector<Vec3>& current) const;
    /** Draw Maxwellian velocities for some particles, in nm/ps, one after the other. */
    std::vector<Vec3> drawVelocities(const std::vector<int>& redrawn, double kT, JumpRandom& random) const;
    /** Get the stiff forces on all particles of the molecules, in some force groups. */
    BondedForces& getBondedForces(int groups);
    double getMass(int particle) const {
        return masses[particle];
    }

private:
    const System& system;
    std::vector<int> particles;
    std::vector<double> masses;
    std::vector<std::vector<int>> molecules;
    std::unique_ptr<BondedForces> bondedForces;
};

} // namespace OpenMM

#endif /*OPENMM_MOVEDMOLECULES_H_*/
