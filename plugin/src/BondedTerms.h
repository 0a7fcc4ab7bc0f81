#ifndef OPENMM_BONDEDTERMS_H_
#define OPENMM_BONDEDTERMS_H_

#include "openmm/Context.h"
#include "openmm/Force.h"
#include <functional>
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * A copy of some terms of one Force, such as the bonds of one molecule, as a Force of another System.
 */
class BondedTerms {
public:
    /**
     * Start a copy without terms.
     *
     * @param original   the Force; it must live as long as this object
     * @return null if a Force of this class is not a sum of terms over a few particles each
     */
    static std::unique_ptr<BondedTerms> create(const Force& original);
    virtual ~BondedTerms();
    /** Get the number of terms of the original. */
    virtual int getNumTerms() const = 0;
    /** Get the particles of one term of the original. */
    virtual const std::vector<int>& getParticles(int term) = 0;
    /** Add one term of the original to the copy, with other indices for its particles. */
    virtual void add(int term, const std::vector<int>& particles) = 0;
    /** Release the copy, for a System to own it; null if it has no terms. */
    virtual Force* release() = 0;
    /** Let the copy, which is part of a Context, have the parameters that the original has now. */
    virtual void synchronize(Context& context) = 0;
};

} // namespace OpenMM

#endif /*OPENMM_BONDEDTERMS_H_*/
