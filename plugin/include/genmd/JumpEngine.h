#ifndef OPENMM_JUMPENGINE_H_
#define OPENMM_JUMPENGINE_H_

#include "genmd/JumpKernel.h"
#include "genmd/JumpProposer.h"
#include "genmd/JumpProtocol.h"
#include "genmd/JumpRecord.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/Kernel.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * Carries out jumps in one Context with one proposer: performs the changes that a JumpProtocol asks for, accumulates
 * their work, decides, and records. A jump is begin(), any number of attempt(), end().
 */
class OPENMM_EXPORT_GENMD JumpEngine {
public:
    /**
     * Create the engine and validate the proposer against the System. Throws std::invalid_argument if a particle index
     * is out of range, repeated, or belongs to a particle without mass that is not a virtual site.
     */
    JumpEngine(ContextImpl& context, std::shared_ptr<JumpProposer> proposer);
    /** Start a jump from the Context's current state. The random numbers must exist until end(). */
    void begin(double kT, int groups, const VelocityTransfer& transfer, JumpRandom& random);
    /**
     * Make one attempt; if it is accepted, the new conformation is where the next attempt starts.
     *
     * @param protocol   what happens in which order
     * @return what happened; index and step are not set
     */
    JumpRecord attempt(const JumpProtocol& protocol);
    /**
     * Leave the Context in the last accepted state. Does nothing if no jump has begun.
     *
     * @return the wall time that it took, in seconds
     */
    double end();
    /** Called by protocols: let the proposer place the moved particles, and add the energy change to the work. */
    void leap();

private:
    struct Constraint {
        int first, second;
        double distance;
    };
    void findConstraints(const System& system);
    void propose();
    bool proposalIsFinite() const;
    bool constraintsHold() const;
    double constrainedDistance(const Constraint& constraint, const std::vector<Vec3>& moved) const;
    RejectionReason attribute(double workInKT);
    JumpKernel& getKernel();
    ContextImpl& context;
    std::shared_ptr<JumpProposer> proposer;
    Kernel kernel;
    std::vector<int> particles, partners, neighborhood;
    std::vector<bool> isVirtual;
    std::vector<Constraint> constraints;
    std::vector<Vec3> current;
    JumpProposal proposal;
    VelocityTransfer transfer;
    JumpRandom* random;
    JumpRecord record;
    RejectionReason forcedRejection;
    double kT, currentEnergy, candidateEnergy;
    double beginSeconds;
    bool hasBegun;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPENGINE_H_*/
