#include "NativeIntegrator.h"
#include "NativeSystem.h"
#include "PythonSurrogate.h"
#include "bindings.h"
#include "genmd/AlchemicalSwitching.h"
#include "genmd/LocalRelaxation.h"
#include "genmd/SteeredSwitching.h"
#include "openmm/serialization/XmlSerializer.h"
#include <pybind11/stl.h>
#include <sstream>

namespace py = pybind11;
using namespace OpenMM;

typedef std::map<std::string, std::vector<double>> Tables;

static void setSteered(py::handle integrator, const SwitchingSettings& settings, const SoftCoordinates& coordinates,
                       bool isMorph, double reach, py::object surrogate, double margin) {
    GenerativeJumpIntegrator& native = getNativeIntegrator(integrator);
    SteeredSwitching protocol(settings, coordinates, isMorph ? SteeredSwitching::Morph : SteeredSwitching::Coupling,
                              getSurrogate(native, surrogate), margin);
    protocol.setReach(reach);
    native.setProtocol(protocol);
}

static void setAlchemical(py::handle integrator, const SwitchingSettings& settings, py::handle system,
                          const Tables& parameters) {
    getNativeIntegrator(integrator).setProtocol(AlchemicalSwitching(settings, getOpenMMSystem(system), parameters));
}

static void setRelaxation(py::handle integrator, int maxIterations, int numSteps, double stepSize, double friction) {
    getNativeIntegrator(integrator).setProtocol(LocalRelaxation(maxIterations, numSteps, stepSize, friction));
}

static void setSchedule(SwitchingSettings& settings, const std::vector<double>& table, bool mustBeSymmetric) {
    Schedule schedule(table);
    if (mustBeSymmetric)
        schedule.requireSymmetric();
    settings.schedule = schedule;
}

/** The protocol of an integrator, cast; null if it is another one. The integrator keeps it alive. */
template <class Type> static const Type* getProtocolAs(py::handle integrator) {
    return dynamic_cast<const Type*>(&getNativeIntegrator(integrator).getProtocol());
}

static std::string getSystemXml(const AlchemicalSwitching& protocol) {
    std::stringstream xml;
    XmlSerializer::serialize(protocol.getSystem(), "System", xml);
    return xml.str();
}

static void bindSettings(py::module_& module) {
    py::enum_<WorkRule>(module, "WorkRule")
        .value("protocol work", WorkRule::ProtocolWork)
        .value("total work", WorkRule::TotalWork)
        .value("metropolized steps", WorkRule::MetropolizedSteps);
    py::class_<SwitchingSettings>(module, "SwitchingSettings")
        .def(py::init<>())
        .def_readwrite("steps", &SwitchingSettings::numSteps)
        .def_readwrite("steps_per_change", &SwitchingSettings::stepsPerChange)
        .def_readwrite("time_step_ps", &SwitchingSettings::stepSize)
        .def_readwrite("friction_per_ps", &SwitchingSettings::friction)
        .def_readwrite("hydrogen_mass_da", &SwitchingSettings::hydrogenMass)
        .def_readwrite("rule", &SwitchingSettings::rule)
        .def_readwrite("work_limit_kt", &SwitchingSettings::maxWork)
        .def_readwrite("blocks_per_check", &SwitchingSettings::checkInterval)
        .def_property_readonly("schedule",
                               [](const SwitchingSettings& settings) { return settings.schedule.getTable(); })
        .def("set_schedule", &setSchedule);
}

static void bindCoordinates(py::module_& module) {
    py::class_<SoftCoordinates>(module, "SoftCoordinates")
        .def(py::init<>())
        .def("add_torsion",
             [](SoftCoordinates& self, const std::array<int, 4>& atoms, const std::vector<int>& moving) {
                 self.addTorsion(atoms[0], atoms[1], atoms[2], atoms[3], moving);
             })
        .def("add_frame", [](SoftCoordinates& self, const std::array<int, 3>& atoms,
                             const std::vector<int>& group) { self.addFrame(atoms[0], atoms[1], atoms[2], group); })
        .def("add_point", &SoftCoordinates::addPoint)
        .def("require_independent", &SoftCoordinates::requireIndependent)
        .def("set_widths", &SoftCoordinates::setWidths)
        .def_property("superposes", &SoftCoordinates::getSuperposes, &SoftCoordinates::setSuperposes)
        .def_property_readonly("torsions",
                               [](const SoftCoordinates& self) {
                                   std::vector<std::pair<std::array<int, 4>, std::vector<int>>> all;
                                   for (const auto& torsion : self.getTorsions())
                                       all.emplace_back(torsion.atoms, torsion.moving);
                                   return all;
                               })
        .def_property_readonly("frames",
                               [](const SoftCoordinates& self) {
                                   std::vector<std::pair<std::array<int, 3>, std::vector<int>>> all;
                                   for (const auto& frame : self.getFrames())
                                       all.emplace_back(frame.atoms, frame.group);
                                   return all;
                               })
        .def_property_readonly("points", &SoftCoordinates::getPoints)
        .def_property_readonly("widths", [](const SoftCoordinates& self) {
            return std::array<double, 3>{self.getTorsionWidth(), self.getPositionWidth(), self.getRotationWidth()};
        });
}

void bindSwitching(py::module_& module) {
    bindSettings(module);
    bindCoordinates(module);
    py::class_<SteeredSwitching>(module, "SteeredSwitching")
        .def_property_readonly("settings", &SteeredSwitching::getSettings)
        .def_property_readonly("reach_nm", &SteeredSwitching::getReach)
        .def_property_readonly("surrogate_margin_kt", &SteeredSwitching::getSurrogateMargin)
        .def_property_readonly("coordinates", &SteeredSwitching::getCoordinates)
        .def_property_readonly(
            "is_morph", [](const SteeredSwitching& self) { return self.getVariant() == SteeredSwitching::Morph; });
    py::class_<AlchemicalSwitching>(module, "AlchemicalSwitching")
        .def_property_readonly("settings", &AlchemicalSwitching::getSettings)
        .def_property_readonly("parameters", &AlchemicalSwitching::getParameters)
        .def_property_readonly("system_xml", &getSystemXml);
    py::class_<LocalRelaxation>(module, "LocalRelaxation")
        .def_property_readonly("max_iterations", &LocalRelaxation::getMaxIterations)
        .def_property_readonly("steps", &LocalRelaxation::getNumSteps)
        .def_property_readonly("time_step_ps",
                               [](const LocalRelaxation& self) { return self.getDynamicsSettings().stepSize; })
        .def_property_readonly("friction_per_ps",
                               [](const LocalRelaxation& self) { return self.getDynamicsSettings().friction; });
    module.def("set_steered", &setSteered);
    module.def("set_alchemical", &setAlchemical);
    module.def("set_relaxation", &setRelaxation);
    // Copies: the integrator may get another protocol while Python still looks at this one.
    module.def("get_steered", [](py::handle integrator) -> py::object {
        auto protocol = getProtocolAs<SteeredSwitching>(integrator);
        return protocol ? py::cast(SteeredSwitching(*protocol)) : py::none();
    });
    module.def("get_alchemical", [](py::handle integrator) -> py::object {
        auto protocol = getProtocolAs<AlchemicalSwitching>(integrator);
        return protocol ? py::cast(AlchemicalSwitching(*protocol)) : py::none();
    });
    module.def("get_relaxation", [](py::handle integrator) -> py::object {
        auto protocol = getProtocolAs<LocalRelaxation>(integrator);
        return protocol ? py::cast(LocalRelaxation(*protocol)) : py::none();
    });
    module.def("is_exact_up_to_time_step", [](py::handle integrator) {
        return getNativeIntegrator(integrator).getProtocol().isExactUpToTimeStep();
    });
    module.def("is_exploratory",
               [](py::handle integrator) { return getNativeIntegrator(integrator).getProtocol().isExploratory(); });
    module.def("has_context", [](py::handle integrator) { return getNativeIntegrator(integrator).isBound(); });
    module.def("measure_shadow_work", [](py::handle integrator, int numTrials, int numSteps) {
        GenerativeJumpIntegrator& native = getNativeIntegrator(integrator);
        py::gil_scoped_release release;
        return native.measureShadowWork(numTrials, numSteps);
    });
}
