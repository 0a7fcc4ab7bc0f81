#ifndef OPENMM_BONDEDFORCES_H_
#define OPENMM_BONDEDFORCES_H_

#include "genmd/windowsExportGenMD.h"
#include "openmm/System.h"
#include "openmm/Vec3.h"
#include "openmm/internal/ContextImpl.h"
#include <memory>
#include <vector>

namespace OpenMM {

class BondedTerms;

/**
 * By how much the stiff forces on some particles change over a small displacement, computed on the host whatever the
 * platform of the simulation.
 *
 * Fresh velocities need the curvature of stiff modes (docs/theory.md, section 6). These are bonds, angles, torsions and
 * wells, of which only the terms that act on the redrawn particles are needed: they are evaluated in a small System of
 * their own. Nonbonded and implicit solvent forces and CMAP are too soft to matter. A System may have Forces of which
 * nothing is known here; then isComplete() is false, and all forces have to be evaluated at the displaced positions.
 */
class OPENMM_EXPORT_GENMD BondedForces {
public:
    /**
     * Collect the terms.
     *
     * @param system     the System being simulated; it must live as long as this object
     * @param particles  the particles whose forces are wanted, each once
     * @param groups     the force groups that count, as bits
     */
    BondedForces(const System& system, const std::vector<int>& particles, int groups);
    ~BondedForces();
    /**
     * Get whether the terms found here make up all stiff forces: every Force of the groups is known to be soft or to be
     * a sum of terms over a few particles, and no term acts on a virtual site.
     */
    bool isComplete() const;
    /** Get the force groups that count. */
    int getGroups() const;
    /**
     * Get the particles whose positions are needed: first those of the constructor, in their order, then others that
     * share a term with one of them.
     */
    const std::vector<int>& getParticles() const;
    /**
     * Compute F(displaced) - F(positions) of the stiff forces. Parameters of Forces and of the Context, and the
     * periodic box, are those of the moment.
     *
     * @param simulation the Context of the simulation
     * @param positions  one for each of getParticles(), in nm
     * @param displaced  the same after the displacement
     * @param change     on exit, the change of the force on each of getParticles(), in kJ/mol/nm. Only what the
     *                   particles of the constructor get is complete.
     */
    void computeChange(ContextImpl& simulation, const std::vector<Vec3>& positions, const std::vector<Vec3>& displaced,
                       std::vector<Vec3>& change);

private:
    class SmallContext;
    void addTerms(const Force& force, const std::vector<bool>& wanted);
    void synchronize(ContextImpl& simulation);
    const System& system;
    std::vector<int> particles, local;
    int groups;
    bool complete;
    std::vector<std::unique_ptr<BondedTerms>> terms;
    System small;
    std::unique_ptr<SmallContext> context;
    std::vector<Vec3> before;
};

} // namespace OpenMM

#endif /*OPENMM_BONDEDFORCES_H_*/
