#ifndef OPENMM_MULTIPLETRY_H_
#define OPENMM_MULTIPLETRY_H_

#include "genmd/JumpProtocol.h"
#include "genmd/Surrogate.h"

namespace OpenMM {

/**
 * Chooses among many candidates: an attempt draws K of them at once, picks one with probability proportional to its
 * importance weight w(y) = exp(-V(y)/kT) / q(y), and proposes that one. V is a surrogate of the potential energy that
 * is cheap to evaluate for many conformations, or, without one, the potential energy itself. The pick is then accepted
 * with
 *
 * min(1, exp(-[U(y)-U(x)]/kT + log ratio)),   log ratio = log W - log W' + [V(y)-V(x)]/kT
 *
 * W is the sum of the weights of the candidates, W' that of the references: x and K-1 others. If q does not depend on
 * what it replaces, these are the other candidates; otherwise they are drawn from q(.|y). The ratio is exact for any V:
 * a rough surrogate costs acceptance, not correctness (docs/theory.md, section 10).
 *
 * With a surrogate an attempt costs one evaluation of the potential energy, whatever K; without one it costs K+1.
 */
class OPENMM_EXPORT_GENMD MultipleTry : public JumpProtocol {
public:
    /**
     * Create a MultipleTry. Throws an OpenMMException if the number is not positive.
     *
     * @param numCandidates   the number K of candidates
     * @param surrogate       evaluates V, or null
     */
    explicit MultipleTry(int numCandidates, std::shared_ptr<CandidateEnergy> surrogate = nullptr);
    /** Get the number K of candidates. */
    int getNumCandidates() const;
    /** Get what evaluates V, or null. */
    std::shared_ptr<CandidateEnergy> getSurrogate() const;
    std::string getName() const;
    JumpProtocol* clone() const;
    void serialize(SerializationNode& node) const;
    void perform(JumpEngine& engine) const;
    /** Make the protocol that serialize() wrote. Its surrogate is not stored: if it had one, perform() throws. */
    static MultipleTry* deserialize(const SerializationNode& node);

private:
    int numCandidates;
    Surrogate surrogate;
};

} // namespace OpenMM

#endif /*OPENMM_MULTIPLETRY_H_*/
