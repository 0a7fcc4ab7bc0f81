#include "PythonProposer.h"
#include "Arrays.h"
#include "DLPack.h"
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace OpenMM;
using namespace std;

static JumpProposer::Grade getGradeByName(const string& name) {
    for (JumpProposer::Grade grade : {JumpProposer::Exact, JumpProposer::Path})
        if (name == JumpProposer::getGradeName(grade))
            return grade;
    return JumpProposer::Exploratory;
}

static py::object toBox(const JumpInput& input) {
    return input.periodic ? py::object(toArray(input.box, 3)) : py::none();
}

static py::array_t<double> toArray(const vector<Vec3>& vectors) {
    return toArray(vectors.data(), vectors.size());
}

/** The current conformation: an array, or what the session makes a tensor of. */
static py::object toPositions(const JumpInput& input) {
    if (input.tensor.device == JumpTensor::None)
        return toArray(input.positions);
    return toDLPack(input.tensor);
}

PythonProposer::PythonProposer(py::object session)
    : session(session, "proposer"), particles(session.attr("particles").cast<vector<int>>()),
      grade(getGradeByName(session.attr("grade").cast<string>())), tensors(session.attr("tensors").cast<bool>()),
      typeName(session.attr("type_name").cast<string>()) {
}

py::object PythonProposer::getSession() const {
    return session.get();
}

void PythonProposer::keepAlive() {
    session.keepAlive();
}

const vector<int>& PythonProposer::getParticles() const {
    return particles;
}

JumpProposer::Grade PythonProposer::getGrade() const {
    return grade;
}

bool PythonProposer::wantsTensor() const {
    return tensors;
}

void PythonProposer::propose(const JumpInput& input, JumpProposal& output) {
    py::gil_scoped_acquire gil;
    py::tuple answer = getSession().attr("propose")(toPositions(input), toBox(input));
    output.positions = toVectors(answer[0].cast<DoubleArray>());
    output.logRatio = answer[1].cast<double>();
}

void PythonProposer::proposeCandidates(const JumpInput& input, int count, JumpCandidates& output) {
    py::gil_scoped_acquire gil;
    py::tuple answer = getSession().attr("candidates")(toPositions(input), toBox(input), count);
    output.positions = toVectors(answer[0].cast<DoubleArray>());
    output.logDensities = toDoubles(answer[1].cast<DoubleArray>());
    output.logDensityOfCurrent = answer[2].cast<double>();
    output.conditional = answer[3].cast<bool>();
}

void PythonProposer::proposeReferences(const JumpInput& input, const vector<Vec3>& current, int count,
                                       JumpCandidates& output) {
    py::gil_scoped_acquire gil;
    py::tuple answer = getSession().attr("references")(toArray(input.positions), toArray(current), toBox(input), count);
    output.positions = toVectors(answer[0].cast<DoubleArray>());
    output.logDensities = toDoubles(answer[1].cast<DoubleArray>());
    output.logDensityOfCurrent = answer[2].cast<double>();
    output.conditional = true;
}

void PythonProposer::beginRun(uint64_t seed) {
    py::gil_scoped_acquire gil;
    getSession().attr("begin_run")(seed);
}

string PythonProposer::getState() {
    py::gil_scoped_acquire gil;
    return getSession().attr("get_state")().cast<py::bytes>();
}

void PythonProposer::setState(const string& state) {
    py::gil_scoped_acquire gil;
    getSession().attr("set_state")(py::bytes(state));
}

void PythonProposer::checkInterrupt() {
    py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0)
        throw py::error_already_set();
}

string PythonProposer::getTypeName() const {
    return typeName;
}

string PythonProposer::getDescription() const {
    py::gil_scoped_acquire gil;
    return getSession().attr("description").cast<string>();
}
