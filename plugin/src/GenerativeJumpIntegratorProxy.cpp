#include "GenerativeJumpIntegratorProxy.h"
#include "genmd/GenerativeJumpIntegrator.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <memory>
#include <typeinfo>

using namespace OpenMM;
using namespace std;

GenerativeJumpIntegratorProxy::GenerativeJumpIntegratorProxy() : SerializationProxy("GenerativeJumpIntegrator") {
}

void GenerativeJumpIntegratorProxy::serialize(const void* object, SerializationNode& node) const {
    const GenerativeJumpIntegrator& integrator = *reinterpret_cast<const GenerativeJumpIntegrator*>(object);
    node.setIntProperty("version", 1);
    node.setIntProperty("jumpInterval", integrator.getJumpInterval());
    node.setIntProperty("triesPerJump", integrator.getTriesPerJump());
    node.setIntProperty("randomSeed", integrator.getRandomNumberSeed());
    node.setDoubleProperty("temperature", integrator.getOwnTemperature());
    node.setBoolProperty("allowExploratory", integrator.getAllowExploratory());
    node.setStringProperty("protocol", integrator.getProtocol().getName());
    integrator.getProtocol().serialize(node);
    node.setStringProperty("proposerType", integrator.getProposerTypeName());
    node.setStringProperty("proposerDescription", integrator.getProposerDescription());
    node.createChildNode("Integrator", &integrator.getIntegrator(0));
}

void* GenerativeJumpIntegratorProxy::deserialize(const SerializationNode& node) const {
    if (node.getIntProperty("version") != 1)
        throw OpenMMException("GenerativeJumpIntegrator: unsupported version number in XML; expected 1");
    unique_ptr<JumpProtocol> protocol(JumpProtocol::create(node.getStringProperty("protocol"), node));
    unique_ptr<Integrator> inner(node.getChildNode("Integrator").decodeObject<Integrator>());
    unique_ptr<GenerativeJumpIntegrator> integrator(
        new GenerativeJumpIntegrator(inner.get(), nullptr, node.getIntProperty("jumpInterval")));
    inner.release();
    integrator->setTriesPerJump(node.getIntProperty("triesPerJump"));
    integrator->setRandomNumberSeed(node.getIntProperty("randomSeed"));
    integrator->setAllowExploratory(node.getBoolProperty("allowExploratory"));
    integrator->setProtocol(*protocol);
    integrator->setMissingProposer(node.getStringProperty("proposerType"),
                                   node.getStringProperty("proposerDescription"));
    if (node.getDoubleProperty("temperature") >= 0)
        integrator->setTemperature(node.getDoubleProperty("temperature"));
    return integrator.release();
}

/** Runs when the library is loaded. */
__attribute__((constructor)) static void registerSerializationProxies() {
    SerializationProxy::registerProxy(typeid(GenerativeJumpIntegrator), new GenerativeJumpIntegratorProxy());
}
