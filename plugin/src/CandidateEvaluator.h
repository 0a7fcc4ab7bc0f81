#ifndef GENMD_CANDIDATEEVALUATOR_H_
#define GENMD_CANDIDATEEVALUATOR_H_

#include "MovedEnergy.h"
#include "genmd/JumpKernel.h"
#include <memory>

/**
 * Evaluates the energies by which MultipleTry weighs its candidates: a surrogate's, or the potential energy itself.
 */
class CandidateEvaluator {
public:
    /**
     * Prepare for candidates of given particles.
     *
     * @param system       the System being simulated
     * @param particles    the particles that the proposer moves
     * @param surrogate    the surrogate, or null
     */
    CandidateEvaluator(const OpenMM::System& system, const std::vector<int>& particles,
                       std::shared_ptr<OpenMM::CandidateEnergy> surrogate);
    bool hasSurrogate() const;
    /** Get whether this evaluates a given surrogate. */
    bool isFor(const std::shared_ptr<OpenMM::CandidateEnergy>& other) const;
    /**
     * Evaluate the energies of conformations.
     *
     * @param positions   one block of the moved particles per conformation, in nm
     * @param count       the number of conformations
     * @return energies in kJ/mol; NaN or infinite where there is none
     */
    std::vector<double> evaluate(OpenMM::ContextImpl& context, OpenMM::JumpKernel& kernel,
                                 const std::vector<OpenMM::Vec3>& positions, int count);

private:
    int numMoved;
    std::unique_ptr<MovedEnergy> surrogate;
};

#endif /*GENMD_CANDIDATEEVALUATOR_H_*/
