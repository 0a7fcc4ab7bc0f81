#ifndef GENMD_CANDIDATEEVALUATOR_H_
#define GENMD_CANDIDATEEVALUATOR_H_

#include "genmd/CandidateEnergy.h"
#include "genmd/JumpKernel.h"
#include <memory>
#include <vector>

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
     * @param surrogate    the surrogate, or null. Throws an OpenMMException if the System lacks one of its particles,
     * or if none of them is moved.
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
    std::vector<double> evaluateSurrogate(OpenMM::JumpKernel& kernel, const std::vector<OpenMM::Vec3>& positions,
                                          int count);
    int numMoved;
    std::shared_ptr<OpenMM::CandidateEnergy> surrogate;
    /** For each particle of the surrogate, its place among the moved ones, or -1. */
    std::vector<int> source;
};

#endif /*GENMD_CANDIDATEEVALUATOR_H_*/
