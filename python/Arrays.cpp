#include "Arrays.h"

namespace py = pybind11;
using OpenMM::Vec3;

static_assert(sizeof(Vec3) == 3 * sizeof(double), "Vec3 must be three doubles to be copied as an array");

py::array_t<double> toArray(const Vec3* vectors, size_t count) {
    return py::array_t<double>({count, size_t(3)}, reinterpret_cast<const double*>(vectors));
}

py::array_t<double> toBlocks(const std::vector<Vec3>& vectors, size_t blocks) {
    size_t size = blocks == 0 ? 0 : vectors.size() / blocks;
    return py::array_t<double>({blocks, size, size_t(3)}, reinterpret_cast<const double*>(vectors.data()));
}

py::array_t<double> toArray(const std::vector<double>& values) {
    return py::array_t<double>(values.size(), values.data());
}

std::vector<Vec3> toVectors(const DoubleArray& array) {
    const Vec3* first = reinterpret_cast<const Vec3*>(array.data());
    return std::vector<Vec3>(first, first + array.size() / 3);
}

std::vector<double> toDoubles(const DoubleArray& array) {
    return std::vector<double>(array.data(), array.data() + array.size());
}
