#include "genmd/LocalRelaxation.h"
#include "genmd/JumpEngine.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

LocalRelaxation::LocalRelaxation(int maxIterations, int numSteps, double stepSize, double friction)
    : maxIterations(maxIterations), numSteps(numSteps), stepSize(stepSize), friction(friction) {
    if (numSteps < 0)
        throw OpenMMException("LocalRelaxation: the number of steps must be zero or positive, got " +
                              to_string(numSteps));
    if (!(stepSize > 0) || !(friction >= 0) || !isfinite(stepSize) || !isfinite(friction))
        throw OpenMMException("LocalRelaxation: the step size must be positive and the friction zero or positive");
}

SwitchingSettings LocalRelaxation::getDynamicsSettings() const {
    SwitchingSettings settings;
    settings.numSteps = max(numSteps, 1);
    settings.stepSize = stepSize;
    settings.friction = friction;
    return settings;
}

string LocalRelaxation::getName() const {
    return "LocalRelaxation";
}

JumpProtocol* LocalRelaxation::clone() const {
    return new LocalRelaxation(*this);
}

void LocalRelaxation::perform(JumpEngine& engine) const {
    engine.relax(*this);
}

void LocalRelaxation::serialize(SerializationNode& node) const {
    node.setIntProperty("maxIterations", maxIterations);
    node.setIntProperty("relaxationSteps", numSteps);
    node.setDoubleProperty("relaxationStepSize", stepSize);
    node.setDoubleProperty("relaxationFriction", friction);
}

LocalRelaxation* LocalRelaxation::deserialize(const SerializationNode& node) {
    return new LocalRelaxation(node.getIntProperty("maxIterations"), node.getIntProperty("relaxationSteps"),
                               node.getDoubleProperty("relaxationStepSize"),
                               node.getDoubleProperty("relaxationFriction"));
}
