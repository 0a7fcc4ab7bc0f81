#ifndef OPENMM_GENERATIVEJUMPINTEGRATOR_H_
#define OPENMM_GENERATIVEJUMPINTEGRATOR_H_

#include "genmd/JumpObserver.h"
#include "genmd/JumpProposer.h"
#include "genmd/JumpProtocol.h"
#include "genmd/JumpRecord.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/CompoundIntegrator.h"
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace OpenMM {

class JumpEngine;

/**
 * This is an Integrator that alternates ordinary MD with jumps proposed by a generative model. Every jump is accepted
 * with probability
 *
 * min(1, exp(-w/kT + log ratio))
 *
 * where w is the protocol work (for an instantaneous leap U(y)-U(x)) and the log ratio comes from the JumpProposer, so
 * that the Boltzmann distribution of the force field stays the stationary distribution of the whole.
 *
 * The MD is done by another Integrator, given to the constructor, which can be any that samples the canonical ensemble.
 * It is integrator 0 of the CompoundIntegrator that this class is. A jump follows directly after every
 * jumpInterval-th step, before step() returns; jumps do not count as steps and do not advance the time. The energy is
 * that of the force groups selected by setIntegrationForceGroups().
 *
 * Velocities: leapfrog integrators store them half a step behind the positions, where they are correlated with the
 * force, and their kinetic energy differs from that of the on-step velocities. A molecule of which a part moved gets
 * fresh velocities with both taken into account; all other particles keep their on-step velocity. Rejected jumps leave
 * no trace. A CustomIntegrator is taken to store on-step velocities.
 *
 * Not supported: Drude particles, ring polymers, and QTBIntegrator, which does not sample a Boltzmann distribution.
 */
class OPENMM_EXPORT_GENMD GenerativeJumpIntegrator : public CompoundIntegrator {
public:
    /**
     * Create a GenerativeJumpIntegrator.
     *
     * Throws an OpenMMException if the Integrator cannot be an inner one.
     *
     * @param integrator     the Integrator that does the MD. This object takes over ownership.
     * @param proposer       proposes jumps. May be null; then the first jump throws until setProposer() is called.
     * @param jumpInterval   the number of MD steps between jumps
     */
    GenerativeJumpIntegrator(Integrator* integrator, std::shared_ptr<JumpProposer> proposer, int jumpInterval);
    ~GenerativeJumpIntegrator();
    /** Get the proposer, or null. */
    std::shared_ptr<JumpProposer> getProposer() const;
    /** Set the proposer. It is validated against the System before the next step. */
    void setProposer(std::shared_ptr<JumpProposer> proposer);
    /** Get the type name of the proposer, also if it was only read from XML and is not there yet. */
    std::string getProposerTypeName() const;
    /** Get the description of the proposer, also if it was only read from XML and is not there yet. */
    std::string getProposerDescription() const;
    /** Record what a missing proposer was. Used when an integrator is deserialized. */
    void setMissingProposer(const std::string& typeName, const std::string& description);
    /** Get the number of MD steps between jumps. */
    int getJumpInterval() const;
    /** Set the number of MD steps between jumps. */
    void setJumpInterval(int interval);
    /** Get how many attempts are made, one after the other, at each jump. */
    int getTriesPerJump() const;
    /** Set how many attempts are made, one after the other, at each jump. */
    void setTriesPerJump(int tries);
    /** Get what surrounds a leap. */
    const JumpProtocol& getProtocol() const;
    /** Set what surrounds a leap. A copy is made. */
    void setProtocol(const JumpProtocol& protocol);
    /** Get what sees every attempt, or null. */
    std::shared_ptr<JumpObserver> getObserver() const;
    /** Set what sees every attempt, or null. It is not serialized. */
    void setObserver(std::shared_ptr<JumpObserver> observer);
    /** Get whether proposers of exploratory grade are allowed. */
    bool getAllowExploratory() const;
    /** Set whether proposers of exploratory grade are allowed. What they sample is not the Boltzmann distribution. */
    void setAllowExploratory(bool allow);
    /**
     * Get the temperature of the acceptance rule in K: that of the inner integrator, or, if it has none, the value
     * given to setTemperature(). Throws an OpenMMException if there is neither.
     */
    double getTemperature() const;
    /** Set the temperature in K of the inner integrator, or, if it has none, of the acceptance rule. */
    void setTemperature(double temperature);
    /**
     * Get the temperature in K that an Integrator would have as inner one, or -1 if it has none. Throws an
     * OpenMMException if it cannot be an inner one.
     */
    static double getInnerTemperature(const Integrator& integrator);
    /** Get whether a temperature is known, from either source. */
    bool hasTemperature() const;
    /** Get the temperature in K that was set for an inner integrator without one, or -1. */
    double getOwnTemperature() const;
    /** Get the random number seed; 0 means that every Context gets another one. */
    int getRandomNumberSeed() const;
    /** Set the random number seed. It takes effect when a Context is created or reinitialized. */
    void setRandomNumberSeed(int seed);
    /** Get the sums over all attempts since the statistics were reset. */
    const JumpStatistics& getStatistics() const;
    /** Get the record of the last attempt. Throws an OpenMMException if there was none. */
    const JumpRecord& getLastJump() const;
    /** Forget all statistics and records. */
    void resetStatistics();
    /**
     * Get the records of all attempts from a serial number on.
     *
     * @param firstIndex   serial number of the first attempt that is wanted. Throws an OpenMMException if its record is
     *                     no longer kept.
     */
    std::vector<JumpRecord> getRecords(long long firstIndex) const;
    /** Keep at least this many records; the default is 65536. */
    void reserveRecords(long long count);
    /** Get whether there is a Context. */
    bool isBound() const {
        return context != NULL;
    }
    /**
     * Measure what the time step of a switching protocol costs: the shadow work, in kT, of switches that change
     * nothing, from the Context's current positions. Nothing of the simulation changes, its random numbers included.
     *
     * @param numTrials   how many switches
     * @param numSteps    MD steps of each
     */
    std::vector<double> measureShadowWork(int numTrials, int numSteps);
    /**
     * Advance a simulation through time by taking a series of time steps.
     *
     * @param steps   the number of MD steps to take
     */
    void step(int steps);

protected:
    void initialize(ContextImpl& context);
    void cleanup();
    bool kineticEnergyRequiresForce() const;
    std::vector<Vec3> getVelocitiesForTemperature(const System& system, double temperature, int randomSeed) const;
    void createCheckpoint(std::ostream& stream) const;
    void loadCheckpoint(std::istream& stream);
    void serializeParameters(SerializationNode& node) const;
    void deserializeParameters(const SerializationNode& node);

private:
    void jump();
    void validateProposer();
    void keepRecord(const JumpRecord& record);
    void addTransferTime(double seconds);
    std::string packRunState() const;
    void unpackRunState(const std::string& packed);
    std::shared_ptr<JumpProposer> proposer;
    std::unique_ptr<JumpProtocol> protocol;
    std::unique_ptr<JumpEngine> engine;
    std::shared_ptr<JumpObserver> observer;
    std::string missingType, missingDescription, pendingProposerState;
    int jumpInterval, triesPerJump, randomSeed;
    bool allowExploratory, proposerIsValidated, isStepping, hasJumped, hasPendingProposerState;
    double ownTemperature;
    JumpRandom random;
    JumpStatistics statistics;
    JumpRecord lastJump;
    std::deque<JumpRecord> records;
    long long recordCapacity;
};

} // namespace OpenMM

#endif /*OPENMM_GENERATIVEJUMPINTEGRATOR_H_*/
