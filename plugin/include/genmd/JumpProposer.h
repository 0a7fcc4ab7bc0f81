#ifndef OPENMM_JUMPPROPOSER_H_
#define OPENMM_JUMPPROPOSER_H_

#include "genmd/JumpRandom.h"
#include "genmd/JumpTensor.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/Vec3.h"
#include <cstdint>
#include <string>
#include <vector>

namespace OpenMM {

/**
 * What a proposer is shown of the current state.
 */
struct JumpInput {
    /** Positions of the moved particles in nm, in the order of getParticles(). */
    const std::vector<Vec3>& positions;
    /** Whether the System is periodic; if not, box has no meaning. */
    bool periodic;
    /** Periodic box vectors in nm. */
    const Vec3 (&box)[3];
    /** Random numbers that are seeded and checkpointed with the integrator. */
    JumpRandom& random;
    /** The same positions as a tensor, for a proposer that wants it; its device is None if there is no such tensor. */
    JumpTensor tensor = {};
};

/**
 * What a proposer answers.
 */
struct JumpProposal {
    /** New positions of the moved particles in nm, in the order of getParticles(). */
    std::vector<Vec3> positions;
    /** log q(x|y) - log q(y|x) + log|J|, dimensionless, with x the current and y the proposed conformation. */
    double logRatio = 0.0;
};

/**
 * Conformations that one part of a proposer (one block, one component of a mixture) draws at once.
 */
struct JumpCandidates {
    /** One block per candidate of the positions of the moved particles in nm. */
    std::vector<Vec3> positions;
    /** log q of each candidate. */
    std::vector<double> logDensities;
    /** log q of the conformation that they would replace. */
    double logDensityOfCurrent = 0.0;
    /** Whether q depends on what it replaces: then the densities are q(y|x), and that of x is not known yet. */
    bool conditional = false;
};

/**
 * A JumpProposer draws a new conformation of some particles, given their current one, and says with what density.
 * It is the only thing that a generative model has to be. Derive from this class, implement getParticles() and
 * propose(), and give it to a GenerativeJumpIntegrator. It is always called on the thread that called step().
 *
 * A proposer need not be good for the result to be right, only for it to come soon: whatever it proposes is accepted
 * or rejected so that the Boltzmann distribution is kept, provided that logRatio is correct.
 */
class OPENMM_EXPORT_GENMD JumpProposer {
public:
    /** How far logRatio can be trusted. */
    enum Grade {
        /** The ratio is known to rounding: the Boltzmann distribution is kept. */
        Exact = 0,
        /** Exact on an extended space, of which auxiliary variables are drawn. */
        Path = 1,
        /** There is no ratio: what is sampled is not the Boltzmann distribution. */
        Exploratory = 2
    };
    virtual ~JumpProposer();
    /** Get the indices of the particles that a jump may move. */
    virtual const std::vector<int>& getParticles() const = 0;
    /** Get how far logRatio can be trusted. The default is Exact. */
    virtual Grade getGrade() const {
        return Exact;
    }
    /** Get whether propose() and proposeCandidates() want the positions as a tensor, too. */
    virtual bool wantsTensor() const {
        return false;
    }
    /**
     * Draw a new conformation.
     *
     * @param input    the current conformation
     * @param output   on exit, the proposed conformation and its log ratio. Its vector is reused from call to call.
     */
    virtual void propose(const JumpInput& input, JumpProposal& output) = 0;
    /**
     * Choose a part of the proposer, whatever the state, and draw candidates from it. The default throws an
     * OpenMMException, since a proposer need not draw more than one.
     *
     * @param input    the current conformation x
     * @param count    the number of candidates
     * @param output   on exit, the candidates y_i with log q(y_i|x)
     */
    virtual void proposeCandidates(const JumpInput& input, int count, JumpCandidates& output);
    /**
     * Draw references from the part that drew the last candidates, if that is conditional.
     *
     * @param input     the picked candidate y in the place of the current conformation
     * @param current   the conformation x that it would replace
     * @param count     the number of references, which may be 0
     * @param output    on exit, the references x_j with log q(x_j|y), and log q(x|y) as the density of the current one
     */
    virtual void proposeReferences(const JumpInput& input, const std::vector<Vec3>& current, int count,
                                   JumpCandidates& output);
    /**
     * Begin a run: forget everything that earlier runs left behind. Called whenever a Context is initialized.
     *
     * @param seed   a seed for proposers that own a generator; others use JumpInput::random
     */
    virtual void beginRun(uint64_t seed) {
    }
    /** Get everything that a restart needs, in any format. It becomes part of checkpoints and States. */
    virtual std::string getState() {
        return "";
    }
    /** Continue from what getState() returned. */
    virtual void setState(const std::string& state) {
    }
    /** Called between blocks of MD steps, so that an interrupt can be noticed; it may throw. */
    virtual void checkInterrupt() {
    }
    /** Get a name for this kind of proposer, as stored in serialized integrators. */
    virtual std::string getTypeName() const = 0;
    /** Get a description (such as the file and checksum of a checkpoint) from which it can be made again, or "". */
    virtual std::string getDescription() const {
        return "";
    }
    /** Get the word that files and reports use for a grade. */
    static const char* getGradeName(Grade grade);
};

} // namespace OpenMM

#endif /*OPENMM_JUMPPROPOSER_H_*/
