#include "BlockNetworkTables.h"
#include <algorithm>
#include <stdexcept>
#include <string>

using namespace OpenMM;
using namespace std;

static void requirePositive(int value, const string& name) {
    if (value < 1)
        throw invalid_argument(name + " of a block network must be positive, got " + to_string(value));
}

static void requireNumbers(const vector<double>& numbers, size_t expected, const string& name) {
    if (numbers.size() != expected)
        throw invalid_argument(name + " of a block network must have " + to_string(expected) + " numbers, got " +
                               to_string(numbers.size()));
}

static void requireDense(const BlockDense& dense, int inputs, int outputs, const string& name) {
    if (dense.inputs != inputs || dense.outputs != outputs)
        throw invalid_argument(name + " of a block network must have " + to_string(inputs) + " inputs and " +
                               to_string(outputs) + " outputs, got " + to_string(dense.inputs) + " and " +
                               to_string(dense.outputs));
    requireNumbers(dense.matrix, size_t(inputs) * outputs, "the matrix of " + name);
    requireNumbers(dense.bias, outputs, "the bias of " + name);
}

static void requireSizes(const BlockWeights& w) {
    requirePositive(w.torsions, "torsions");
    requirePositive(w.width, "width");
    requirePositive(w.heads, "heads");
    requirePositive(w.hidden, "hidden");
    requirePositive(w.harmonics, "harmonics");
    if (w.width % w.heads != 0)
        throw invalid_argument("width of a block network must be a multiple of heads = " + to_string(w.heads) +
                               ", got " + to_string(w.width));
    if (w.nodes < 4)
        throw invalid_argument("nodes of a block network must be at least 4, got " + to_string(w.nodes));
    if (w.layers.empty())
        throw invalid_argument("layers of a block network must be at least one, got none");
}

static void requireArrays(const BlockWeights& w) {
    const size_t n = w.torsions, features = 2 * size_t(w.harmonics);
    requireNumbers(w.embedding, n * w.width, "embedding");
    requireNumbers(w.unknown, w.width, "unknown");
    requireNumbers(w.kept, n * features * w.width, "kept");
    requireNumbers(w.drawn, n * features * w.hidden, "drawn");
    requireNumbers(w.listening, w.heads * n * n, "listening");
    requireNumbers(w.marginal, n * w.nodes, "marginal");
    for (const BlockLayer& layer : w.layers)
        requireNumbers(layer.bias, w.heads * n * n, "bias of a layer");
}

static void requireDenses(const BlockWeights& w) {
    for (const BlockLayer& layer : w.layers) {
        requireDense(layer.query, w.width, w.width, "query of a layer");
        requireDense(layer.keyValue, w.width, 2 * w.width, "key_value of a layer");
        requireDense(layer.out, w.width, w.width, "out of a layer");
        requireDense(layer.up, w.width, w.hidden, "up of a layer");
        requireDense(layer.down, w.hidden, w.width, "down of a layer");
    }
    requireDense(w.queryKey, w.width, 2 * w.width, "query_key");
    requireDense(w.content, w.width, w.hidden, "content");
    requireDense(w.value, w.hidden, w.width, "value");
    requireDense(w.base, w.width, w.width, "base");
    requireDense(w.heard, w.width, w.width, "heard");
    requireDense(w.logits, w.width, w.nodes, "logits");
    for (const auto& step : w.steps) {
        requireDense(step.first, w.width, w.hidden, "up of a step");
        requireDense(step.second, w.hidden, w.width, "down of a step");
    }
}

BlockNetwork::Tables::Tables(const BlockWeights& w, int numLanes) : numLanes(numLanes) {
    requireSizes(w);
    requireArrays(w);
    requireDenses(w);
    torsions = w.torsions;
    width = w.width;
    heads = w.heads;
    hidden = w.hidden;
    nodes = w.nodes;
    harmonics = w.harmonics;
    numLayers = w.layers.size();
    numSteps = w.steps.size();
    embedding = keepRows(w.embedding, width);
    unknown = keepRows(w.unknown, width);
    kept = keepRows(w.kept, width);
    drawn = keepRows(w.drawn, hidden);
    listening = keep(w.listening);
    marginal = keepRows(w.marginal, nodes);
    for (const BlockLayer& layer : w.layers)
        layerTables.push_back({keepDense(layer.query), keepDense(layer.keyValue), keepDense(layer.out),
                               keepDense(layer.up), keepSparse(layer.down), keep(layer.bias)});
    queryKey = keepDense(w.queryKey);
    content = keepDense(w.content);
    value = keepSparse(w.value);
    base = keepDense(w.base);
    heard = keepDense(w.heard);
    logits = keepDense(w.logits);
    for (const auto& step : w.steps) {
        stepTables.push_back(keepDense(step.first));
        stepTables.push_back(keepSparse(step.second));
    }
    layers = layerTables.data();
    steps = stepTables.data();
}

const double* BlockNetwork::Tables::keep(vector<double> kept) {
    numbers.push_back(move(kept));
    return numbers.back().data();
}

static int rowLength(int n) {
    return (n + BlockRowUnit - 1) / BlockRowUnit * BlockRowUnit;
}

const double* BlockNetwork::Tables::keepRows(const vector<double>& rows, int length) {
    vector<double> filled(rows.size() / length * rowLength(length));
    for (size_t i = 0; i < rows.size(); i++)
        filled[i / length * rowLength(length) + i % length] = rows[i];
    return keep(move(filled));
}

DenseTable BlockNetwork::Tables::keepStrips(const BlockDense& dense, const vector<int>& strips) {
    vector<double> packed, bias(dense.bias);
    int first = 0;
    for (int length : strips) {
        for (int i = 0; i < dense.inputs; i++)
            for (int o = first; o < first + length; o++)
                packed.push_back(o < dense.outputs ? dense.matrix[size_t(i) * dense.outputs + o] : 0.0);
        first += length;
    }
    bias.resize(rowLength(dense.outputs));
    return {dense.inputs, dense.outputs, keep(move(packed)), keep(move(bias))};
}

DenseTable BlockNetwork::Tables::keepDense(const BlockDense& dense) {
    vector<int> strips;
    for (int left = rowLength(dense.outputs); left > 0; left -= strips.back())
        strips.push_back(min(left, DenseVectors * numLanes));
    return keepStrips(dense, strips);
}

DenseTable BlockNetwork::Tables::keepSparse(const BlockDense& dense) {
    vector<int> strips;
    for (int left = rowLength(dense.outputs); left > 0; left -= strips.back())
        strips.push_back(left < SparseVectors * numLanes ? numLanes : SparseVectors * numLanes);
    return keepStrips(dense, strips);
}
