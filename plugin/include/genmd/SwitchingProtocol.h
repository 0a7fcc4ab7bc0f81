#ifndef OPENMM_SWITCHINGPROTOCOL_H_
#define OPENMM_SWITCHINGPROTOCOL_H_

#include "genmd/JumpProtocol.h"
#include "genmd/Schedule.h"
#include "genmd/SwitchingPlan.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/System.h"
#include <limits>
#include <memory>
#include <string>

namespace OpenMM {

class SwitchingMove;

/**
 * Which work decides about a switch. The rules are exact in different senses and are never mixed.
 */
enum class WorkRule {
    /**
     * The protocol work: the energy changes at the instantaneous changes. The MD in between is taken to be exact, so
     * that the error of its time step remains, as it does in MD: exact up to the time step. A switch that changes
     * nothing is always accepted.
     */
    ProtocolWork = 0,
    /** The change of the total energy less the heat: exact for any time step. Shadow work costs acceptance. */
    TotalWork = 1,
    /** The protocol work, with every stretch of MD accepted or rejected by itself: exact for any time step. */
    MetropolizedSteps = 2
};

/** Get the word that files and reports use for a rule. */
OPENMM_EXPORT_GENMD const char* getWorkRuleName(WorkRule rule);

/**
 * The MD of a switch. It happens in a Context of its own, so that time step and masses need not be those of the
 * simulation: masses do not change the Boltzmann distribution of positions, and velocities are drawn afresh before a
 * switch and after it.
 */
struct SwitchingSettings {
    /** MD steps of the whole switch. */
    int numSteps = 1000;
    /** MD steps between two changes. It must divide numSteps. */
    int stepsPerChange = 1;
    /** In ps. */
    double stepSize = 0.002;
    /** Friction of the Langevin thermostat in 1/ps; 0 for deterministic MD (velocity Verlet in its position form). */
    double friction = 0;
    /**
     * Mass in Da that hydrogens get whose distance to a heavier atom is constrained, at the expense of that atom,
     * unless two constraints meet there at a free angle (methyl groups), whose distribution depends on masses; 0 leaves
     * all masses as they are.
     */
    double hydrogenMass = 0;
    WorkRule rule = WorkRule::TotalWork;
    /**
     * A switch ends, rejected, if its partial work or that of the way back exceeds this, in kT; with a surrogate, if it
     * exceeds the change of the surrogate by more than this.
     */
    double maxWork = std::numeric_limits<double>::infinity();
    /** Blocks of MD between two looks at the partial work; 0 for never. */
    int checkInterval = 0;
    Schedule schedule;
};

/**
 * A leap that takes time: instantaneous changes with MD in between, on a copy of the state. docs/theory.md, section 11,
 * derives why the Boltzmann distribution is kept.
 */
class OPENMM_EXPORT_GENMD SwitchingProtocol : public JumpProtocol {
public:
    /** Create a protocol. Throws an OpenMMException that says which setting is out of range. */
    explicit SwitchingProtocol(const SwitchingSettings& settings);
    const SwitchingSettings& getSettings() const {
        return settings;
    }
    bool movesEverything() const {
        return true;
    }
    bool isExactUpToTimeStep() const {
        return settings.rule == WorkRule::ProtocolWork;
    }
    void serialize(SerializationNode& node) const;
    void perform(JumpEngine& engine) const;
    /** Get what happens in which order. */
    virtual SwitchingPlan getPlan() const = 0;
    /** Get the System in which the MD of the switch happens, or null for the simulation's own. */
    virtual const System* getSystem() const {
        return nullptr;
    }
    /** Whether the proposer's particles, with all to which constraints tie them, are held still during MD. */
    virtual bool freezesMoved() const {
        return false;
    }
    /** Get by how many kT the surrogate, if there is one, may underrate a leap that it passes for sure. */
    virtual double getSurrogateMargin() const {
        return 0;
    }
    /** Get what this protocol and its copies have in common with no other. */
    const std::shared_ptr<const int>& getIdentity() const {
        return identity;
    }
    /** Make what carries out the changes. Internal to the engine. */
    virtual std::unique_ptr<SwitchingMove> createMove() const = 0;

protected:
    /** Read what serialize() wrote. */
    static SwitchingSettings deserializeSettings(const SerializationNode& node);
    /** Get the number of stretches of MD. */
    int getNumBlocks() const;

private:
    SwitchingSettings settings;
    std::shared_ptr<const int> identity;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGPROTOCOL_H_*/
