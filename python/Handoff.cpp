#include "Handoff.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationProxy.h"
#include <typeinfo>

using namespace OpenMM;

static thread_local std::unique_ptr<GenerativeJumpIntegrator> offered;

namespace {

struct HandedOverIntegrator {};

/** Hands out what is offered when asked for an object of the type that only exists by name. */
class HandoffProxy : public SerializationProxy {
public:
    HandoffProxy() : SerializationProxy("_GenMDHandoff") {
    }
    void serialize(const void* object, SerializationNode& node) const {
        // Nothing of this type exists that could be serialized.
    }
    void* deserialize(const SerializationNode& node) const {
        if (!offered)
            throw OpenMMException("_GenMDHandoff is internal to openmm_genmd: no integrator is waiting");
        return static_cast<Integrator*>(offered.release());
    }
};

} // namespace

void offerIntegrator(std::unique_ptr<GenerativeJumpIntegrator> integrator) {
    offered = std::move(integrator);
}

void registerHandoff() {
    SerializationProxy::registerProxy(typeid(HandedOverIntegrator), new HandoffProxy());
}
