#include "Handoff.h"
#include "NativeIntegrator.h"
#include "PythonObserver.h"
#include "PythonProposer.h"
#include "PythonSurrogate.h"
#include "bindings.h"
#include "genmd/Acceptance.h"
#include "genmd/JumpRecord.h"
#include "genmd/MultipleTry.h"
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace OpenMM;

typedef GenerativeJumpIntegrator Jumper;

/** Bind a method as a function whose first argument is the OpenMM (SWIG) object. */
template <class Result, class... Arguments> static auto onNative(Result (Jumper::*method)(Arguments...)) {
    return [method](py::handle integrator, Arguments... arguments) -> std::decay_t<Result> {
        return (getNativeIntegrator(integrator).*method)(arguments...);
    };
}

template <class Result, class... Arguments> static auto onNative(Result (Jumper::*method)(Arguments...) const) {
    return [method](py::handle integrator, Arguments... arguments) -> std::decay_t<Result> {
        return (getNativeIntegrator(integrator).*method)(arguments...);
    };
}

static void offer(py::handle inner, py::object session, int jumpInterval) {
    offerIntegrator(
        std::make_unique<Jumper>(getOpenMMIntegrator(inner), std::make_shared<PythonProposer>(session), jumpInterval));
}

static void step(py::handle integrator, int steps) {
    Jumper& native = getNativeIntegrator(integrator);
    py::gil_scoped_release release;
    native.step(steps);
}

static void setProposer(py::handle integrator, py::object session) {
    getNativeIntegrator(integrator).setProposer(std::make_shared<PythonProposer>(session));
}

static std::shared_ptr<PythonProposer> getPythonProposer(py::handle integrator) {
    return std::dynamic_pointer_cast<PythonProposer>(getNativeIntegrator(integrator).getProposer());
}

static std::shared_ptr<PythonObserver> getPythonObserver(Jumper& native) {
    return std::dynamic_pointer_cast<PythonObserver>(native.getObserver());
}

static std::shared_ptr<PythonSurrogate> getPythonSurrogate(Jumper& native) {
    return std::dynamic_pointer_cast<PythonSurrogate>(native.getProtocol().getSurrogate());
}

/** From now on the C++ integrator may outlive its Python object. */
static void keepPythonAlive(py::handle integrator) {
    Jumper& native = getNativeIntegrator(integrator);
    if (auto proposer = getPythonProposer(integrator))
        proposer->keepAlive();
    if (auto observer = getPythonObserver(native))
        observer->keepAlive();
    if (auto surrogate = getPythonSurrogate(native))
        surrogate->keepAlive();
}

/** The Python object that evaluates the surrogate energy, or None. */
static py::object getSurrogateOwner(py::handle integrator) {
    auto surrogate = getPythonSurrogate(getNativeIntegrator(integrator));
    return surrogate ? surrogate->getOwner() : py::none();
}

static py::object getObserver(py::handle integrator) {
    auto observer = getPythonObserver(getNativeIntegrator(integrator));
    return observer ? observer->getObserver() : py::none();
}

static py::object getSession(py::handle integrator) {
    auto proposer = getPythonProposer(integrator);
    return proposer ? proposer->getSession() : py::none();
}

static py::dict getRejections(py::handle integrator) {
    const JumpStatistics& statistics = getNativeIntegrator(integrator).getStatistics();
    py::dict counts;
    for (int i = 1; i < NumRejectionReasons; i++)
        counts[getReasonName(static_cast<RejectionReason>(i))] = statistics.reasonCounts[i];
    return counts;
}

static void setInstantaneous(py::handle integrator) {
    getNativeIntegrator(integrator).setProtocol(Instantaneous());
}

static void setMultipleTry(py::handle integrator, int numCandidates, py::object surrogate) {
    Jumper& native = getNativeIntegrator(integrator);
    native.setProtocol(MultipleTry(numCandidates, getSurrogate(native, surrogate)));
}

/** Name and number of candidates; the latter is 0 for other protocols. */
static py::tuple getProtocol(py::handle integrator) {
    const JumpProtocol& protocol = getNativeIntegrator(integrator).getProtocol();
    auto multiple = dynamic_cast<const MultipleTry*>(&protocol);
    return py::make_tuple(protocol.getName(), multiple ? multiple->getNumCandidates() : 0);
}

static void setObserver(py::handle integrator, py::object observer) {
    std::shared_ptr<JumpObserver> seeing;
    if (!observer.is_none())
        seeing = std::make_shared<PythonObserver>(observer);
    getNativeIntegrator(integrator).setObserver(seeing);
}

void bindGenerativeJumpIntegrator(py::module_& module) {
    py::class_<JumpStatistics>(module, "JumpStatistics", "Sums over all attempts since the statistics were reset.")
        .def_readonly("attempted", &JumpStatistics::numAttempted, "Number of attempts.")
        .def_readonly("accepted", &JumpStatistics::numAccepted, "Number of accepted attempts.")
        .def_readonly("sum_probability", &JumpStatistics::sumProbability, "Sum of acceptance probabilities.")
        .def_readonly("switching_steps", &JumpStatistics::numSwitchingSteps,
                      "Evaluations of all switches, in MD steps.")
        .def_readonly("model_seconds", &JumpStatistics::modelSeconds, "Wall time inside the proposer.")
        .def_readonly("energy_seconds", &JumpStatistics::energySeconds, "Wall time of energy evaluations.")
        .def_readonly("bookkeeping_seconds", &JumpStatistics::bookkeepingSeconds, "The rest of the wall time.");
    module.def("acceptance_probability", &getAcceptanceProbability, py::arg("work_kj_per_mol"),
               py::arg("kt_kj_per_mol"), py::arg("log_ratio"),
               "The one acceptance rule: min(1, exp(-work/kT + log_ratio)).");
    module.def("offer", &offer);
    module.def("is_generative_jump_integrator",
               [](py::handle integrator) { return dynamic_cast<Jumper*>(getOpenMMIntegrator(integrator)) != nullptr; });
    module.def("step", &step);
    module.def("set_proposer", &setProposer);
    module.def("keep_python_alive", &keepPythonAlive);
    module.def("get_session", &getSession);
    module.def("get_proposer_type_name", onNative(&Jumper::getProposerTypeName));
    module.def("get_proposer_description", onNative(&Jumper::getProposerDescription));
    module.def("get_jump_interval", onNative(&Jumper::getJumpInterval));
    module.def("set_jump_interval", onNative(&Jumper::setJumpInterval));
    module.def("get_tries_per_jump", onNative(&Jumper::getTriesPerJump));
    module.def("set_tries_per_jump", onNative(&Jumper::setTriesPerJump));
    module.def("get_protocol", &getProtocol);
    module.def("set_instantaneous", &setInstantaneous);
    module.def("set_multiple_try", &setMultipleTry);
    module.def("get_surrogate_owner", &getSurrogateOwner);
    module.def("set_observer", &setObserver);
    module.def("get_observer", &getObserver);
    module.def("set_allow_exploratory", onNative(&Jumper::setAllowExploratory));
    module.def("get_inner_temperature",
               [](py::handle inner) { return Jumper::getInnerTemperature(*getOpenMMIntegrator(inner)); });
    module.def("has_temperature", onNative(&Jumper::hasTemperature));
    module.def("get_temperature", onNative(&Jumper::getTemperature));
    module.def("set_temperature", onNative(&Jumper::setTemperature));
    module.def("get_random_number_seed", onNative(&Jumper::getRandomNumberSeed));
    module.def("set_random_number_seed", onNative(&Jumper::setRandomNumberSeed));
    module.def("get_statistics", onNative(&Jumper::getStatistics));
    module.def("get_rejections", &getRejections);
    module.def("get_last_jump", onNative(&Jumper::getLastJump));
    module.def("reset_statistics", onNative(&Jumper::resetStatistics));
    module.def("get_records", onNative(&Jumper::getRecords));
    module.def("reserve_records", onNative(&Jumper::reserveRecords));
}
