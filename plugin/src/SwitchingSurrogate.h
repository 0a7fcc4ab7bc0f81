#ifndef OPENMM_SWITCHINGSURROGATE_H_
#define OPENMM_SWITCHINGSURROGATE_H_

#include "MovedEnergy.h"
#include "SwitchingMove.h"

namespace OpenMM {

/**
 * The part of a surrogate energy in a switch: it accepts or rejects the leap before the switch, which then has to
 * answer for the rest only, and tells how much of the partial work is the moved particles' own. See docs/theory.md,
 * section 11.
 */
class SwitchingSurrogate {
public:
    SwitchingSurrogate(const System& system, const std::vector<int>& particles, std::shared_ptr<CandidateEnergy> energy,
                       double margin);
    /**
     * Accept or reject a leap, from the conformation at the start of the way to that at its end.
     *
     * @return Surrogate, NotFinite or None
     */
    RejectionReason decide(SwitchingHost& host, const SwitchingMove& move);
    /** Get how far the energy at the moment is above that at the start of the switch, in kJ/mol. */
    double getRise(SwitchingDynamics& dynamics) const;
    /**
     * Get what the log ratio of the end differs by since the surrogate has decided before: the logarithm of the
     * probability with which it accepts the way back, less that of the way there.
     */
    double getCorrection(SwitchingDynamics& dynamics, const SwitchingMove& move) const;

private:
    double evaluate(SwitchingDynamics& dynamics, const std::vector<Vec3>& places) const;
    double getDifference(SwitchingDynamics& dynamics, const SwitchingMove& move) const;
    const std::vector<int>& particles;
    MovedEnergy energy;
    double margin, kT, startEnergy, logProbability;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGSURROGATE_H_*/
