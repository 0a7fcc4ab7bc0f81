#ifndef OPENMM_SWITCHINGDYNAMICS_H_
#define OPENMM_SWITCHINGDYNAMICS_H_

#include "genmd/JumpRandom.h"
#include "genmd/SwitchingProtocol.h"
#include "openmm/Context.h"
#include "openmm/internal/ContextImpl.h"
#include "openmm/reference/ReferenceConstraints.h"
#include <memory>
#include <stdexcept>
#include <vector>

namespace OpenMM {

/** Thrown when MD runs into positions that no Context can take. */
class UnstableDynamics : public std::exception {
public:
    const char* what() const noexcept {
        return "positions are not finite";
    }
};

/** A potential energy that only exists during a switch. */
class AddedPotential {
public:
    virtual ~AddedPotential() {
    }
    /** Get the energy in kJ/mol; forces, unless null, are added to. */
    virtual double evaluate(const std::vector<Vec3>& positions, std::vector<Vec3>* forces) = 0;
};

/**
 * The MD of a switch, in a Context of its own that shares the device of the simulation's.
 *
 * The step is velocity Verlet in its position form: drift by half a step, kick, drift by half a step, with constraints
 * as in RATTLE (Andersen, J. Comput. Phys. 52, 24 (1983)). It is reversible and keeps phase-space volume, and evaluates
 * forces in its middle only, so that what is changed between two steps costs no evaluation. With friction, half a step
 * of the Ornstein-Uhlenbeck process comes before and after a stretch of steps, and its heat is counted.
 *
 * Positions and velocities are on the host. Velocities belong to the same time as positions; their component along
 * constraints has no meaning in between, since the next drift takes it away.
 */
class SwitchingDynamics {
public:
    /**
     * @param platform   where the Context shall be, or null for the device of the parent
     */
    SwitchingDynamics(ContextImpl& parent, std::unique_ptr<System> system, const SwitchingSettings& settings,
                      Platform* platform = nullptr);
    ~SwitchingDynamics();
    /** Start from some positions, without velocities. The random numbers must exist meanwhile. */
    void begin(const std::vector<Vec3>& positions, int groups, double kT, JumpRandom& random);
    /** Take over the box, and the parameters that both Contexts have. */
    void takeSurroundings(ContextImpl& parent);
    /** Draw Maxwellian velocities that obey the constraints. */
    void drawVelocities();
    /** Draw those of some particles anew, whose positions have changed, and count the heat. */
    void refreshVelocities(const std::vector<int>& particles);
    /** Take some steps, with the thermostat and, if the rule says so, acceptance or rejection of them as a whole. */
    void propagate(int numSteps);
    /** Take away the parts of velocities that would change a constrained distance. */
    void projectVelocities();
    /** Get the potential energy of the moment, added potentials included, in kJ/mol. */
    double getPotential();
    double getAddedPotential();
    double getKinetic();
    /** Get the heat that thermostats have put in, in kJ/mol. */
    double getHeat() const {
        return heat;
    }
    long long getNumEvaluations() const {
        return numEvaluations;
    }
    const std::vector<Vec3>& getPositions() const {
        return positions;
    }
    /** Get the positions with virtual sites in place. */
    std::vector<Vec3> getCompletePositions();
    std::vector<Vec3> gather(const std::vector<int>& particles) const;
    /** Get other positions of some particles, with the virtual sites among them in place. */
    std::vector<Vec3> getWithSites(const std::vector<int>& particles, const std::vector<Vec3>& places);
    void place(const std::vector<int>& particles, const std::vector<Vec3>& places);
    bool hasParameter(const std::string& name) const;
    void setParameter(const std::string& name, double value);
    /** Set what is added to the potential energy, or null. */
    void setAddedPotential(AddedPotential* added);
    /** Minimize the energy. */
    void minimize(double tolerance, int maxIterations);
    const System& getSystem() const {
        return *system;
    }

private:
    void run(int numSteps);
    void runMetropolized(int numSteps);
    void redraw(const std::vector<int>& particles);
    void drift(double time);
    void kick();
    void thermostat(double time);
    void upload();
    void requireFinite() const;
    std::unique_ptr<System> system;
    std::unique_ptr<Integrator> integrator;
    std::unique_ptr<Context> context;
    ContextImpl* impl;
    ReferenceConstraints constraints;
    SwitchingSettings settings;
    AddedPotential* added;
    JumpRandom* random;
    std::vector<double> inverseMasses;
    std::vector<Vec3> positions, velocities, forces;
    int groups;
    double kT, heat, potential;
    bool potentialIsKnown, velocitiesAreProjected;
    long long numEvaluations;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGDYNAMICS_H_*/
