#include "genmd/SwitchingProtocol.h"
#include "genmd/JumpEngine.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <cmath>
#include <sstream>

using namespace OpenMM;
using namespace std;

const char* OpenMM::getWorkRuleName(WorkRule rule) {
    static const char* const names[] = {"protocol work", "total work", "metropolized steps"};
    return names[static_cast<int>(rule)];
}

static void require(bool condition, const string& name, const string& expected, double value) {
    if (condition)
        return;
    stringstream message;
    message << "Switching protocol: " << name << " must be " << expected << ", got " << value;
    throw OpenMMException(message.str());
}

SwitchingProtocol::SwitchingProtocol(const SwitchingSettings& settings)
    : settings(settings), identity(make_shared<const int>(0)) {
    require(settings.numSteps > 0, "the number of steps", "positive", settings.numSteps);
    require(settings.stepsPerChange > 0 && settings.numSteps % settings.stepsPerChange == 0,
            "the number of steps per change", "a positive divisor of the number of steps", settings.stepsPerChange);
    require(settings.stepSize > 0 && isfinite(settings.stepSize), "the step size", "positive", settings.stepSize);
    require(settings.friction >= 0 && isfinite(settings.friction), "the friction", "zero or positive",
            settings.friction);
    require(settings.hydrogenMass >= 0 && isfinite(settings.hydrogenMass), "the hydrogen mass", "zero or positive",
            settings.hydrogenMass);
    require(settings.maxWork > 0, "the largest work", "positive", settings.maxWork);
    require(settings.checkInterval >= 0, "the check interval", "zero or positive", settings.checkInterval);
}

int SwitchingProtocol::getNumBlocks() const {
    return settings.numSteps / settings.stepsPerChange;
}

void SwitchingProtocol::perform(JumpEngine& engine) const {
    engine.switchOver(*this);
}

void SwitchingProtocol::serialize(SerializationNode& node) const {
    node.setIntProperty("switchingSteps", settings.numSteps);
    node.setIntProperty("stepsPerChange", settings.stepsPerChange);
    node.setDoubleProperty("switchingStepSize", settings.stepSize);
    node.setDoubleProperty("switchingFriction", settings.friction);
    node.setDoubleProperty("hydrogenMass", settings.hydrogenMass);
    node.setIntProperty("workRule", static_cast<int>(settings.rule));
    node.setBoolProperty("limitsWork", isfinite(settings.maxWork));
    node.setDoubleProperty("maxWork", isfinite(settings.maxWork) ? settings.maxWork : 0.0);
    node.setIntProperty("checkInterval", settings.checkInterval);
    SerializationNode& table = node.createChildNode("Schedule");
    for (double value : settings.schedule.getTable())
        table.createChildNode("Value").setDoubleProperty("f", value);
}

SwitchingSettings SwitchingProtocol::deserializeSettings(const SerializationNode& node) {
    SwitchingSettings settings;
    settings.numSteps = node.getIntProperty("switchingSteps");
    settings.stepsPerChange = node.getIntProperty("stepsPerChange");
    settings.stepSize = node.getDoubleProperty("switchingStepSize");
    settings.friction = node.getDoubleProperty("switchingFriction");
    settings.hydrogenMass = node.getDoubleProperty("hydrogenMass");
    settings.rule = static_cast<WorkRule>(node.getIntProperty("workRule"));
    if (node.getBoolProperty("limitsWork"))
        settings.maxWork = node.getDoubleProperty("maxWork");
    settings.checkInterval = node.getIntProperty("checkInterval");
    vector<double> table;
    for (const SerializationNode& value : node.getChildNode("Schedule").getChildren())
        table.push_back(value.getDoubleProperty("f"));
    settings.schedule = Schedule(table);
    return settings;
}
