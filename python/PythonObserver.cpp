#include "PythonObserver.h"
#include "Arrays.h"

namespace py = pybind11;
using namespace OpenMM;

PythonObserver::PythonObserver(py::object observer) : observer(observer, "observer") {
}

void PythonObserver::observe(const JumpRecord& record, const std::vector<Vec3>& positions,
                             const std::vector<double>& weights) {
    py::gil_scoped_acquire gil;
    observer.get()(toBlocks(positions, weights.size()), toArray(weights));
}

void PythonObserver::keepAlive() {
    py::gil_scoped_acquire gil;
    observer.keepAlive();
}

py::object PythonObserver::getObserver() const {
    return observer.get();
}
