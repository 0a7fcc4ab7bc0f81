#ifndef OPENMM_JUMPPROTOCOL_H_
#define OPENMM_JUMPPROTOCOL_H_

#include "genmd/windowsExportGenMD.h"
#include <memory>
#include <string>

namespace OpenMM {

class CandidateEnergy;
class JumpEngine;
class SerializationNode;

/**
 * What surrounds a leap: a list of instantaneous changes with MD in between. A protocol only says what happens in which
 * order, by calling the methods of the JumpEngine; the engine accumulates the work and applies the acceptance rule, so
 * that no protocol has a formula of its own.
 *
 * The list must start and end with an instantaneous change and read backwards be the reverse move.
 */
class OPENMM_EXPORT_GENMD JumpProtocol {
public:
    virtual ~JumpProtocol();
    /** Get the name that is stored in serialized integrators and shown in reports. */
    virtual std::string getName() const = 0;
    /** Make a copy; the caller owns it. */
    virtual JumpProtocol* clone() const = 0;
    /** Get whether an attempt moves more than the proposer's particles. The default is false. */
    virtual bool movesEverything() const {
        return false;
    }
    /** Get whether the protocol itself leaves the Boltzmann distribution, whatever the proposer. The default is false.
     */
    virtual bool isExploratory() const {
        return false;
    }
    /** Get whether the error of the time step of its MD remains in what is sampled. The default is false. */
    virtual bool isExactUpToTimeStep() const {
        return false;
    }
    /** Get the energy that it consults beside that of the simulation, or null. The default is null. */
    virtual std::shared_ptr<CandidateEnergy> getSurrogate() const;
    /** Perform all instantaneous changes of one attempt. */
    virtual void perform(JumpEngine& engine) const = 0;
    /** Write the settings as properties of a node. The default is to have none. */
    virtual void serialize(SerializationNode& node) const;
    /**
     * Make a protocol from its name and settings.
     *
     * @param name   what getName() returned. Throws an OpenMMException if no protocol has this name.
     * @param node   what serialize() wrote
     * @return a new protocol, which the caller owns
     */
    static JumpProtocol* create(const std::string& name, const SerializationNode& node);
};

/**
 * The leap alone: w = U(y) - U(x). For vacuum, implicit solvent and small moves.
 */
class OPENMM_EXPORT_GENMD Instantaneous : public JumpProtocol {
public:
    std::string getName() const;
    JumpProtocol* clone() const;
    void perform(JumpEngine& engine) const;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPPROTOCOL_H_*/
