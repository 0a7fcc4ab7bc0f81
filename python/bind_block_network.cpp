#include "bindings.h"
#include "genmd/BlockNetwork.h"
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <stdexcept>

namespace py = pybind11;
using namespace OpenMM;

typedef py::array_t<double, py::array::c_style | py::array::forcecast> Numbers;
typedef py::array_t<bool, py::array::c_style | py::array::forcecast> Flags;

static std::string shapeOf(const py::array& array) {
    return py::str(array.attr("shape"));
}

/** Check a shape, of which -1 may be any length. */
static void requireShape(const py::array& array, const std::vector<py::ssize_t>& shape, const std::string& name,
                         const std::string& expected) {
    bool fits = array.ndim() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); i++)
        fits = shape[i] < 0 || array.shape(i) == shape[i];
    if (!fits)
        throw std::invalid_argument(name + " must have shape " + expected + ", got " + shapeOf(array));
}

/** The array that an object has under a name, of so many dimensions. */
static Numbers arrayOf(py::handle owner, const char* name, int dimensions) {
    Numbers array = owner.attr(name).cast<Numbers>();
    if (array.ndim() != dimensions)
        throw std::invalid_argument(std::string(name) + " must have " + std::to_string(dimensions) +
                                    " dimensions, got shape " + shapeOf(array));
    return array;
}

static std::vector<double> numbersOf(const Numbers& array) {
    return std::vector<double>(array.data(), array.data() + array.size());
}

static std::vector<double> numbersOf(py::handle owner, const char* name, int dimensions) {
    return numbersOf(arrayOf(owner, name, dimensions));
}

/** From a pair of matrix and bias. */
static BlockDense denseOf(py::handle pair) {
    auto [matrix, bias] = pair.cast<std::pair<Numbers, Numbers>>();
    if (matrix.ndim() != 2 || bias.ndim() != 1)
        throw std::invalid_argument("a dense layer must have a matrix and a bias of shapes (inputs, outputs) and "
                                    "(outputs,), got " +
                                    shapeOf(matrix) + " and " + shapeOf(bias));
    return {int(matrix.shape(0)), int(matrix.shape(1)), numbersOf(matrix), numbersOf(bias)};
}

/** From a matrix alone. */
static BlockDense unbiasedOf(py::handle owner, const char* name) {
    const Numbers matrix = arrayOf(owner, name, 2);
    return {int(matrix.shape(0)), int(matrix.shape(1)), numbersOf(matrix), std::vector<double>(matrix.shape(1))};
}

static BlockLayer layerOf(py::handle layer) {
    return {denseOf(layer.attr("query")), denseOf(layer.attr("key_value")), denseOf(layer.attr("out")),
            denseOf(layer.attr("up")),    denseOf(layer.attr("down")),      numbersOf(layer, "bias", 3)};
}

/** From a MoleculeWeights of openmm_genmd.models.block_weights. */
static BlockWeights weightsOf(py::handle from) {
    BlockWeights weights;
    const Numbers embedding = arrayOf(from, "embedding", 2), drawn = arrayOf(from, "drawn", 3);
    weights.torsions = embedding.shape(0);
    weights.width = embedding.shape(1);
    weights.heads = from.attr("heads").cast<int>();
    weights.hidden = drawn.shape(2);
    weights.harmonics = drawn.shape(1) / 2;
    weights.nodes = arrayOf(from, "marginal", 2).shape(1);
    weights.embedding = numbersOf(embedding);
    weights.unknown = numbersOf(from, "unknown", 1);
    weights.kept = numbersOf(from, "kept", 3);
    weights.drawn = numbersOf(drawn);
    for (py::handle layer : from.attr("layers"))
        weights.layers.push_back(layerOf(layer));
    weights.queryKey = denseOf(from.attr("query_key"));
    weights.content = denseOf(from.attr("content"));
    weights.value = denseOf(from.attr("value"));
    weights.base = denseOf(from.attr("base"));
    weights.heard = unbiasedOf(from, "heard");
    weights.logits = denseOf(from.attr("logits"));
    for (py::handle step : from.attr("steps")) {
        auto [up, down] = step.cast<std::pair<py::object, py::object>>();
        weights.steps.push_back({denseOf(up), denseOf(down)});
    }
    weights.listening = numbersOf(from, "listening", 3);
    weights.marginal = numbersOf(from, "marginal", 2);
    return weights;
}

static std::shared_ptr<BlockConditional> condition(std::shared_ptr<BlockNetwork> network, const std::vector<int>& block,
                                                   const std::vector<int>& kept, const Numbers& keptAngles) {
    requireShape(keptAngles, {py::ssize_t(kept.size())}, "kept_rad",
                 "(" + std::to_string(kept.size()) + ",), one value for each torsion that is kept");
    return std::make_shared<BlockConditional>(network, block, kept, numbersOf(keptAngles));
}

static py::tuple draw(const BlockConditional& density, const Numbers& uniform, const Flags& anywhere) {
    const py::ssize_t m = density.getNumTorsions(), numbers = BlockConditional::getNumbersPerTorsion();
    requireShape(uniform, {-1, m, numbers}, "uniform",
                 "(n, " + std::to_string(m) + ", " + std::to_string(numbers) + ")");
    const py::ssize_t n = uniform.shape(0);
    requireShape(anywhere, {n}, "anywhere", "(" + std::to_string(n) + ",), one for each candidate");
    py::array_t<double> angles({n, m}), logDensities(n);
    const double* from = uniform.data();
    const bool* flags = anywhere.data();
    double *to = angles.mutable_data(), *found = logDensities.mutable_data();
    {
        py::gil_scoped_release release;
        density.draw(n, from, flags, to, found);
    }
    return py::make_tuple(angles, logDensities);
}

static py::array_t<double> weigh(const BlockConditional& density, const Numbers& angles) {
    const py::ssize_t m = density.getNumTorsions();
    requireShape(angles, {-1, m}, "angles", "(n, " + std::to_string(m) + ")");
    const py::ssize_t n = angles.shape(0);
    py::array_t<double> logDensities(n);
    const double* from = angles.data();
    double* found = logDensities.mutable_data();
    {
        py::gil_scoped_release release;
        density.weigh(n, from, found);
    }
    return logDensities;
}

void bindBlockNetwork(py::module_& module) {
    py::class_<BlockNetwork, std::shared_ptr<BlockNetwork>>(module, "BlockNetwork")
        .def(py::init([](py::handle weights, const std::string& instructionSet) {
                 return std::make_shared<BlockNetwork>(weightsOf(weights), instructionSet);
             }),
             py::arg("weights"), py::arg("instruction_set") = "")
        .def("given", &condition, py::arg("block"), py::arg("kept"), py::arg("kept_rad"))
        .def_property_readonly("instruction_set", &BlockNetwork::getInstructionSet)
        .def_static("instruction_sets", &BlockNetwork::getInstructionSets);
    py::class_<BlockConditional, std::shared_ptr<BlockConditional>>(module, "BlockConditional")
        .def("draw", &draw, py::arg("uniform"), py::arg("anywhere"))
        .def("weigh", &weigh, py::arg("angles"));
}
