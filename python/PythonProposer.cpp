#include "PythonProposer.h"
#include "openmm/OpenMMException.h"
#include <pybind11/numpy.h>
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

static py::array_t<double> toArray(const Vec3* vectors, py::ssize_t count) {
    static_assert(sizeof(Vec3) == 3 * sizeof(double), "Vec3 must be three doubles to be copied as an array");
    return py::array_t<double>({count, py::ssize_t(3)}, reinterpret_cast<const double*>(vectors));
}

PythonProposer::PythonProposer(py::object session)
    : weakSession(py::weakref(session)), particles(session.attr("particles").cast<vector<int>>()),
      grade(getGradeByName(session.attr("grade").cast<string>())), typeName(session.attr("type_name").cast<string>()) {
}

PythonProposer::~PythonProposer() {
    if (Py_IsInitialized()) {
        py::gil_scoped_acquire gil;
        weakSession = py::object();
        strongSession = py::object();
    } else {
        // The interpreter is gone and with it the objects.
        weakSession.release();
        strongSession.release();
    }
}

py::object PythonProposer::getSession() const {
    py::object session = weakSession();
    if (session.is_none())
        throw OpenMMException(
            "GenerativeJumpIntegrator: its Python object no longer exists and took the proposer along. "
            "Keep a reference to it");
    return session;
}

void PythonProposer::keepAlive() {
    strongSession = getSession();
}

const vector<int>& PythonProposer::getParticles() const {
    return particles;
}

JumpProposer::Grade PythonProposer::getGrade() const {
    return grade;
}

void PythonProposer::propose(const JumpInput& input, JumpProposal& output) {
    py::gil_scoped_acquire gil;
    py::object box = py::none();
    if (input.periodic)
        box = toArray(input.box, 3);
    py::tuple answer = getSession().attr("propose")(toArray(input.positions.data(), input.positions.size()), box);
    auto positions = answer[0].cast<py::array_t<double, py::array::c_style | py::array::forcecast>>();
    const Vec3* first = reinterpret_cast<const Vec3*>(positions.data());
    output.positions.assign(first, first + positions.shape(0));
    output.logRatio = answer[1].cast<double>();
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
