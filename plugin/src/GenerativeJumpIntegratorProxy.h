#ifndef OPENMM_GENERATIVEJUMPINTEGRATORPROXY_H_
#define OPENMM_GENERATIVEJUMPINTEGRATORPROXY_H_

#include "openmm/serialization/SerializationProxy.h"

namespace OpenMM {

/**
 * Writes a GenerativeJumpIntegrator to XML and reads it back. Proposers are stored by type name and description only:
 * what comes back has none until setProposer() is called.
 */
class GenerativeJumpIntegratorProxy : public SerializationProxy {
public:
    GenerativeJumpIntegratorProxy();
    void serialize(const void* object, SerializationNode& node) const;
    void* deserialize(const SerializationNode& node) const;
};

} // namespace OpenMM

#endif /*OPENMM_GENERATIVEJUMPINTEGRATORPROXY_H_*/
