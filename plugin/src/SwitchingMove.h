#ifndef OPENMM_SWITCHINGMOVE_H_
#define OPENMM_SWITCHINGMOVE_H_

#include "SwitchingDynamics.h"
#include "genmd/JumpProposer.h"
#include "genmd/JumpRecord.h"
#include <functional>
#include <vector>

namespace OpenMM {

/** What a move has to work with. */
struct SwitchingHost {
    SwitchingDynamics& dynamics;
    /** The particles that the proposer moves, and which of them are virtual sites. */
    const std::vector<int>& particles;
    const std::vector<bool>& isVirtual;
    /** These, with all to which constraints tie them. */
    const std::vector<int>& tied;
    /** Asks the proposer for a proposal at some positions of its particles. */
    std::function<JumpProposal(const std::vector<Vec3>& shown)> propose;
    /** Tells why a proposal has density zero, given where it starts. */
    std::function<RejectionReason(const JumpProposal& proposal, const std::vector<Vec3>& start)> judge;
    JumpRandom& random;
    double kT;
    /** Half of the smallest width of the periodic box in nm, or infinite: bonds are never as long. */
    double longestBond;
};

/**
 * Carries out the instantaneous changes of a switching protocol. It has no part in work and acceptance. Reasons other
 * than None mean that the target density at the end would be zero.
 */
class SwitchingMove {
public:
    virtual ~SwitchingMove() {
    }
    /** Undo what an earlier switch left behind. */
    virtual void rest(SwitchingHost& host) {
    }
    /** Prepare at the start of a switch, whose positions the dynamics has. */
    virtual RejectionReason begin(SwitchingHost& host) = 0;
    /** Set the progress. */
    virtual void change(SwitchingHost& host, double progress) = 0;
    /** Let the proposer leap. */
    virtual RejectionReason leap(SwitchingHost& host);
    /** Get where the moved particles are after a part of the way, if that is given beforehand. */
    virtual std::vector<Vec3> getWay(double progress) const;
    /** Get the proposer's log ratio, once it has proposed. */
    double getLogRatio() const {
        return logRatio;
    }
    /** Whether change() touches more than the added potential. */
    virtual bool changesPotential() const {
        return true;
    }

protected:
    double logRatio = 0;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGMOVE_H_*/
