#ifndef OPENMM_SURROGATE_H_
#define OPENMM_SURROGATE_H_

#include "genmd/CandidateEnergy.h"
#include <memory>
#include <string>

namespace OpenMM {

class SerializationNode;

/**
 * The surrogate energy of a protocol, or none. XML holds only whether there was one: it may be anybody's code.
 */
class OPENMM_EXPORT_GENMD Surrogate {
public:
    Surrogate(std::shared_ptr<CandidateEnergy> energy = nullptr);
    /** Get what evaluates the energy, or null. */
    const std::shared_ptr<CandidateEnergy>& getEnergy() const {
        return energy;
    }
    /** Throw an OpenMMException in the name of a protocol if the surrogate did not come through XML. */
    void requireFound(const std::string& protocol) const;
    void serialize(SerializationNode& node) const;
    static Surrogate deserialize(const SerializationNode& node);

private:
    std::shared_ptr<CandidateEnergy> energy;
    bool isLost;
};

} // namespace OpenMM

#endif /*OPENMM_SURROGATE_H_*/
